"""What a near cache keeps in another cache: under names of its own, and not for longer than it knows it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure._core.deadline import Limit
from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis import NearStats
from infrastructure.caching.redis._near_store import NearStore
from infrastructure.conformance._stopwatch import Stopwatch

from .test_redis_near import FOREVER, fresh, put


async def test_its_hits_are_waited_for() -> None:
    """A value is there under a name that ends with its own, and is served while it is valid."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("p:", store))
        await put(near, "k", [1])

        assert near.find("k") is None
        assert await near.fetch("k") == [1]
        [name] = await store.scan_keys("p:*:k")
        assert await store.get(name) == [1]
        assert near.stats == NearStats(entries=1, hits=1)


async def test_a_report_counts_at_once() -> None:
    """The store need not hear of a change."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("", store))
        await put(near, "k", 1)
        near.drop("k")

        assert await near.fetch("k") is None
        assert await store.scan_keys("*:k")


async def test_a_store_that_forgets_is_asked_once() -> None:
    """What it let go is not valid any more."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("", store))
        await put(near, "k", 1)
        await store.delete_many(await store.scan_keys("*"))

        assert await near.fetch("k") is None
        assert near.valid("k") is None


async def test_a_change_while_the_store_takes_the_value() -> None:
    """A report that comes before the store is done takes the value away."""

    class Slow(MemoryCache):
        async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
            await super().set(key, value, ttl)
            near.drop("k")

    async with Slow() as store:
        near = await fresh(NearStore("", store))
        await put(near, "k", "old")

        assert await near.fetch("k") is None


@pytest.mark.parametrize(("key", "milliseconds"), [("k", 999), ("k" * 20_000, FOREVER)])
async def test_what_it_cannot_hold_is_not_kept(key: str, milliseconds: int) -> None:
    """Its times to live are whole seconds, and its keys have a prefix more."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("p:", store))
        await put(near, key, 1, milliseconds)

        assert near.valid(key) is None
        assert await store.scan_keys("*") == []


async def test_a_store_that_fails_harms_nobody() -> None:
    """Neither its reading nor its writing reaches who reads."""
    store = MemoryCache()
    near = await fresh(NearStore("", store))
    await put(near, "k", 1)
    await store.disconnect()
    await put(near, "other", 1)

    assert await near.fetch("k") is None
    assert near.valid("other") is None


async def test_what_others_put_there_is_not_served() -> None:
    """Two may have the same prefix on different servers, and the owner of the store its own keys."""
    async with MemoryCache() as store:
        one, other = [await fresh(NearStore("p:", store)) for _ in range(2)]
        await put(one, "k", "of the one")
        await put(other, "k", "of the other")
        await store.set("p:k", "of the owner")

        assert await one.fetch("k") == "of the one"
        assert await other.fetch("k") == "of the other"


async def test_nothing_stays_for_ever() -> None:
    """The names end with their process, so a store that outlives it must be able to forget."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("", store))
        await put(near, "k", 1, FOREVER)
        await put(near, "long", 1, 10**9)

        for name in await store.scan_keys("*"):
            assert 3590 < (await store.ttl(name) or 0) <= 3600


class Slow(MemoryCache):
    """Waits before it does what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def get(self, key: str) -> Any | None:
        """Return it late."""
        async with Limit("get", 5.0):
            await self.go.wait()

        return await super().get(key)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Store it late; what was sent arrives, whoever waits for it."""
        arriving = asyncio.ensure_future(self._arrive(key, value, ttl))

        async with Limit("set", 5.0, outcome="unknown"):
            await asyncio.shield(arriving)

    async def _arrive(self, key: str, value: Any, ttl: int | None) -> None:
        await self.go.wait()
        await super().set(key, value, ttl)


async def test_two_values_under_way_at_once() -> None:
    """The newer one is not kept: the older may arrive last."""
    async with Slow() as store:
        near = await fresh(NearStore("", store))
        older = asyncio.create_task(put(near, "k", "older"))
        await asyncio.sleep(0)
        near.drop("k")
        await put(near, "k", "newer")
        store.go.set()
        await older

        assert await near.fetch("k") is None


async def test_a_value_that_arrives_late() -> None:
    """Nobody waits long for a store, and nobody is served what arrives behind a newer value."""
    async with Slow() as store:
        near = await fresh(NearStore("", store))
        watch = Stopwatch()
        await put(near, "k", "older")
        near.drop("k")
        assert watch.taken < 0.3
        store.go.set()
        await put(near, "k", "newer")
        await asyncio.sleep(0.01)

        assert await near.fetch("k") == "newer"


async def test_a_store_that_does_not_answer() -> None:
    """Nobody waits long for it: the server has the value."""
    async with Slow() as store:
        near = await fresh(NearStore("", store))
        store.go.set()
        await put(near, "k", "v")
        store.go.clear()
        watch = Stopwatch()

        assert await near.fetch("k") is None
        assert watch.taken < 0.3


async def test_a_value_that_the_store_refuses() -> None:
    """It is not kept, and what is kept stays."""
    async with MemoryCache() as store:
        near = await fresh(NearStore("", store))
        await put(near, "k", "v")
        await put(near, "odd", object())

        assert near.valid("odd") is None
        assert await near.fetch("k") == "v"
