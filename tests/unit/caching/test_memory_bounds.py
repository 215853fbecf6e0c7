"""The memory cache keeps within its limits, and sweeps what has expired."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from infrastructure.caching.memory import CacheStats, MemoryCache
from infrastructure.interfaces import (
    OperationError,
)
from infrastructure.testing.clock import FakeClock


async def keys(cache: MemoryCache) -> set[str]:
    return set(await cache.scan_keys("*"))


async def _large() -> str:
    return "x" * 3_000_000


class TestBounds:
    """max_entries and max_bytes hold, and the least recently used entry goes first."""

    async def test_the_least_recently_used_goes_first(self) -> None:
        """Reading and writing are uses; exists and ttl are not."""
        async with MemoryCache(max_entries=3) as cache:
            await cache.set_many({"a": 1, "b": 2, "c": 3})
            await cache.get("a")
            await cache.exists("b")
            await cache.ttl("b")
            await cache.set("d", 4)
            assert await keys(cache) == {"a", "c", "d"}
            await cache.set("c", 5)
            await cache.set("e", 6)
            assert await keys(cache) == {"c", "d", "e"}
            assert cache.stats.evictions == 2

    async def test_bytes_are_bounded(self) -> None:
        """Large values push out as many as they need room for."""
        async with MemoryCache(max_bytes=20_000) as cache:
            for number in range(20):
                await cache.set(f"small:{number}", b"x" * 500)

            await cache.set("large", [b"x" * 10_000])
            stats = cache.stats
            assert stats.bytes <= 20_000
            assert 0 < stats.entries < 20
            assert await cache.exists("large")
            assert not await cache.exists("small:0")

    async def test_replacing_and_deleting_give_the_bytes_back(self) -> None:
        """What is counted is what is there."""
        async with MemoryCache() as cache:
            await cache.set("a", "x" * 1000)
            before = cache.stats.bytes
            await cache.set("a", "x" * 3000)
            assert cache.stats.bytes == before + 2000
            await cache.set("a", [1])
            await cache.delete("a")
            assert cache.stats == CacheStats(entries=0, bytes=0, hits=0, misses=0, evictions=0)

    async def test_a_value_larger_than_the_cache_is_an_operation_error(self) -> None:
        """And the old value stays; a batch with one changes nothing."""
        async with MemoryCache(max_bytes=2000) as cache:
            await cache.set("a", 1)

            with pytest.raises(OperationError, match="max_bytes=2000"):
                await cache.set("a", b"x" * 3000)

            with pytest.raises(OperationError, match="max_bytes"):
                await cache.set_many({"a": 2, "b": b"x" * 3000})

            assert await cache.get("a") == 1

    async def test_many_shards_keep_the_bound(self) -> None:
        """Beyond 8,192 entries the oldest of a sample goes: the newest are all there."""
        async with MemoryCache(max_entries=10_000) as cache:
            for start in range(0, 30_000, 1000):
                await cache.set_many({f"{start + number}": number for number in range(1000)})

            assert cache.stats.entries == 10_000
            assert cache.stats.evictions == 20_000
            assert len(await cache.get_many(map(str, range(29_000, 30_000)))) == 1000

    async def test_one_large_value_evicts_in_steps(self) -> None:
        """Thousands of small entries make room while other tasks run."""
        async with MemoryCache(max_bytes=4_000_000, max_entries=None) as cache:
            await cache.set_many({f"{number}": number for number in range(8000)})
            turns = 0

            async def other() -> None:
                nonlocal turns

                while True:
                    await asyncio.sleep(0)
                    turns += 1

            task = asyncio.create_task(other())
            await asyncio.sleep(0)
            before = turns
            await cache.set("large", "x" * 3_500_000)
            task.cancel()
            assert turns - before >= 10
            assert cache.stats.bytes <= 4_000_000
            assert await cache.exists("large")

            for number in range(8000):
                cache._store.put(f"{number}", cache._store.freeze("k", number), float("inf"))

            assert await cache.get_or_set("made", _large) == "x" * 3_000_000
            assert cache.stats.bytes <= 4_000_000

    async def test_hits_and_misses_are_counted(self) -> None:
        """By get, get_many and get_or_set."""
        async with MemoryCache() as cache:
            await cache.set("a", 1)
            await cache.get("a")
            await cache.get("b")
            await cache.get_many(["a", "b"])
            await cache.get_or_set("a", _large)
            assert (cache.stats.hits, cache.stats.misses) == (3, 2)


class TestSweep:
    """Expired entries leave the memory while nobody asks for them."""

    async def test_expired_entries_are_removed(self) -> None:
        """Soon after their time, over reconnects, in whatever order they were stored."""
        clock = FakeClock()
        cache = MemoryCache(clock=clock)

        async with cache:
            await cache.set("ever", 0)
            await cache.set("late", 1, 100)
            await cache.set("soon", 2, 5)
            await clock.advance(4)
            assert cache.stats.entries == 3
            await clock.advance(3)
            assert cache.stats.entries == 2

        await clock.advance(200)
        assert cache.stats.entries == 2

        async with cache:
            await clock.advance(2)
            assert cache.stats.entries == 1
            assert await keys(cache) == {"ever"}

    async def test_what_is_not_swept_yet_is_dropped_when_it_is_asked_for(self) -> None:
        """Between two rounds an expired entry is seen by nobody."""
        clock = FakeClock()

        async with MemoryCache(clock=clock) as cache:
            await cache.set("first", 1, 1)
            await clock.advance(0.5)
            await cache.set_many({"a": 1, "b": 2, "c": 3, "d": 4}, 1)
            await clock.advance(1.2)
            assert cache.stats.entries == 4
            assert await cache.exists("a") is False
            assert await cache.get("b") is None
            assert await cache.delete("c") is False
            assert await keys(cache) == set()
            assert cache.stats.entries == 0

    async def test_a_long_wait_costs_few_rounds(self) -> None:
        """It sleeps until the next entry expires."""
        clock = FakeClock()

        async with MemoryCache(clock=clock) as cache:
            await cache.set("a", 1, 30 * 86400)
            await clock.advance(40 * 86400)
            assert cache.stats.entries == 0
            assert not [timer for *_, timer in clock._timers if timer.callback]

    async def test_a_round_goes_on_in_steps(self, monkeypatch) -> None:
        """When a millisecond is over the rest waits; what is stored meanwhile is not forgotten."""
        monkeypatch.setattr("infrastructure.caching.memory._sweep.STEP", 0.0)
        clock = FakeClock()

        async with MemoryCache(clock=clock, max_entries=None) as cache:
            await cache.set_many({f"{number}": number for number in range(500)}, 1)
            await clock.advance(1.2)
            assert 0 < cache.stats.entries < 500
            await cache.set("between", 1, 2)
            await clock.advance(1100 * 0.05)
            assert cache.stats.entries == 0 or await keys(cache) == set()
            await clock.advance(1100 * 0.05)
            assert cache.stats.entries == 0

    async def test_a_dropped_cache_is_not_kept_alive_by_its_timer(self) -> None:
        """The sweep holds the store weakly."""
        clock = FakeClock()
        cache = MemoryCache(clock=clock)
        await cache.connect()
        await cache.set("a", 1, 5)
        store = weakref.ref(cache._store.shards[0])
        del cache
        gc.collect()
        assert store() is None
        await clock.advance(10)
