"""F9: the network delivers byte by byte, or late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from ._caches import Make, made

pytestmark = pytest.mark.slow

Slow = Callable[[ChaosProxy], None]

SLOW: dict[str, Slow] = {
    "1-byte pieces": lambda proxy: proxy.split(1),
    "7-byte pieces": lambda proxy: proxy.split(7),
    "20 ms of delay": lambda proxy: proxy.delay(0.02),
    "1-byte pieces to the client, late": lambda proxy: (
        proxy.split(1, "to_client"),
        proxy.delay(0.005, "to_client"),
    )[0],
}


async def use(cache: RedisCache, who: int) -> None:
    """Ask every method for what belongs to ``who``, and compare."""
    mine = {f"{who} {n}": [who, n, "x" * n] for n in range(8)}
    key = f"{who} 0"
    await cache.set_many(mine)
    assert await cache.get_many(mine) == mine
    assert await cache.get(key) == mine[key]
    assert await cache.ttl(key) is None
    await cache.set(key, "again", ttl=60)
    assert await cache.ttl(key) in (59, 60)
    assert set(await cache.scan_keys(f"{who} *")) == mine.keys()
    assert await cache.delete(key)
    assert not await cache.exists(key)
    assert await cache.get_or_set(key, made) == "made"
    assert await cache.delete_many(mine) == len(mine)


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_F9_results_are_right(make: Make, proxy: ChaosProxy, slow: Slow) -> None:
    """Every method, of five tasks at once."""
    async with make(proxy, deadline=5) as cache:
        slow(proxy)
        await asyncio.gather(*(use(cache, who) for who in range(5)))


async def test_F9_a_large_value_in_small_pieces_is_right(make: Make, proxy: ChaosProxy) -> None:
    """Its pieces end anywhere."""
    value = [f"{n}" * 5 for n in range(20_000)]

    async with make(proxy, deadline=5) as cache:
        proxy.split(997)
        await cache.set("large", value)
        assert await cache.get("large") == value
