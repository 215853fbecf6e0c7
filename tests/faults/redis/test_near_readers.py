"""Who reads past the near cache leaves nothing behind, whatever he found."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import OperationError

from ...servers.endpoint import Endpoint
from ._through import fresh, through


async def test_what_is_missing(valkey: Endpoint) -> None:
    """However many keys are not there, or hold None: the memory for them is given back."""
    async with RedisCache(valkey.url, prefix=fresh(), near_entries=1) as cache:
        await cache.set("none", None)
        keys = ["none", *(f"missing {number}" for number in range(100))]
        assert set(await asyncio.gather(*map(cache.get, keys))) == {None}
        assert not cache._near._tickets


async def test_what_cannot_be_read(valkey: Endpoint) -> None:
    """A key of another type, and bytes of another codec."""
    async with (
        RedisCache(valkey.url, prefix=fresh(), near_entries=1) as cache,
        valkey.client() as raw,
    ):
        await raw.rpush(cache._prefix + "list", "x")
        await raw.set(cache._prefix + "bytes", b"\xc1")

        for key in ("list", "bytes"):
            with pytest.raises(OperationError):
                await cache.get(key)

        assert not cache._near._tickets


async def test_who_is_cancelled(valkey: Endpoint) -> None:
    """Nobody waits for the answer any more."""
    async with through(valkey, near_entries=1) as (cache, proxy):
        proxy.black_hole("to_client")
        readers = [asyncio.create_task(cache.get(f"k{number}")) for number in range(20)]
        await asyncio.sleep(0)
        assert len(cache._near._tickets) == 20

        for reader in readers:
            reader.cancel()

        await asyncio.wait(readers)
        assert not cache._near._tickets
        proxy.heal()
