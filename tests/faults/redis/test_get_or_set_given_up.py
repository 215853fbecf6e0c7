"""Who gives up while he asks for the right to make a value does not keep it by accident."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.caching.redis._slots import lock_name
from infrastructure.interfaces.exceptions import TimeoutError

from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer
from ._through import through
from .test_get_or_set_leases import other_value


@pytest.mark.slow
async def test_an_answer_that_comes_too_late(valkey: Endpoint) -> None:
    """The server gave the lease to one whose deadline had passed by then: it is given back."""
    async with (
        through(valkey, lease=30) as (one, proxy),
        RedisCache(valkey.url, prefix=one._prefix, lease=30) as other,
    ):
        assert not await one.exists("k")
        proxy.black_hole("to_client")

        with deadline(0.2):
            # The second finds that somebody looks already: it asks for the lease at once.
            callers = [asyncio.create_task(one.get_or_set("k", other_value)) for _ in range(2)]

        ended = await asyncio.gather(*callers, return_exceptions=True)
        assert {type(error) for error in ended} == {TimeoutError}
        proxy.heal()

        async with asyncio.timeout(1):
            assert await other.get_or_set("k", other_value) == "other"


async def test_a_lease_without_an_end(private_valkey: RedisServer) -> None:
    """Who waits for one that somebody made to last for ever asks for it now and then only."""
    async with RedisCache(private_valkey.url, lease=0.1) as cache, private_valkey.client() as raw:
        await raw.set(lock_name("", "k", clustered=False), "somebody")

        with private_valkey.counters() as counters:
            before = counters.read()

            with pytest.raises(TimeoutError), deadline(0.35):
                await cache.get_or_set("k", other_value)

            assert 2 <= (counters.read() - before).commands["eval"] <= 5
