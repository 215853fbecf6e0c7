"""Who gives up while he asks for the right to make a value does not keep it by accident."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import TimeoutError

from ...servers.endpoint import Endpoint
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
