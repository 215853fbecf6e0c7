"""Which values a near cache keeps: those that nobody changed between reading and keeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis._near import Near, make_near
from infrastructure.caching.redis.stats import NearStats


@pytest.fixture
async def near() -> AsyncIterator[Near]:
    """Give one for three entries."""
    async with MemoryCache() as store:
        yield Near(store, 3)


async def kept(near: Near, name: str, value: object = 1, milliseconds: int = -1) -> bool:
    """Read and keep a value; return whether it is served then."""
    await near.keep(name, near.ticket(name), value, milliseconds)
    return name in near.valid


async def test_what_is_kept(near: Near) -> None:
    """A value for ever, or for the whole seconds that it has; not a miss, nor less than a second."""
    assert await kept(near, "a")
    assert await kept(near, "b", 1, 2999)
    assert await near.store.ttl("b") == 2
    assert not await kept(near, "c", 1, 999)
    assert not await kept(near, "d", None)
    assert not await kept(near, "n" * 20_000)
    assert near._tickets == {}


@pytest.mark.parametrize("change", [[b"a"], None, [b"\xff", b"a"]])
async def test_a_change_between_reading_and_keeping(near: Near, change: list[bytes] | None) -> None:
    """What was read is not kept; the next reader's is."""
    ticket = near.ticket("a")
    near.changed(change)
    await near.keep("a", ticket, "old", -1)
    assert "a" not in near.valid
    assert await kept(near, "a", "new")
    assert await near.get("a") == "new"


async def test_a_change_while_it_is_kept(near: Near) -> None:
    """The store may take its time: the value is written there, but not served."""

    class Slow(MemoryCache):
        async def set(self, key: str, value: object, ttl: int | None = None) -> None:
            await super().set(key, value, ttl)
            near.changed([b"a"])

    async with Slow() as store:
        near.store = store
        await near.keep("a", near.ticket("a"), "old", -1)
        assert "a" not in near.valid
        assert near._tickets == {}


async def test_two_readers(near: Near) -> None:
    """The later ticket counts; the earlier reader keeps nothing and takes nothing away."""
    first, second = near.ticket("a"), near.ticket("a")
    await near.keep("a", first, "one", -1)
    assert "a" not in near.valid
    await near.keep("a", second, "two", -1)
    assert await near.get("a") == "two"


async def test_what_the_store_has_forgotten(near: Near) -> None:
    """It is a miss, and no longer valid."""
    await kept(near, "a")
    await near.store.delete("a")
    assert await near.get("a") is None
    assert "a" not in near.valid
    assert near.hits == 0


async def test_the_bound(near: Near) -> None:
    """Any of them makes room for a new one."""
    for name in "abcdef":
        assert await kept(near, name)
        assert len(near.valid) <= 3


async def test_the_counters(near: Near) -> None:
    """Drops and flushes count only what was there; entries only while they would be served."""
    await kept(near, "a")
    await kept(near, "b")
    assert near.stats.entries == 0
    near.until = float("inf")
    await near.get("a")
    near.drop("missing")
    near.drop("a")
    assert near.stats == NearStats(entries=1, hits=1, drops=1, flushes=0)
    near.flush()
    near.flush()
    assert near.stats == NearStats(entries=0, hits=1, drops=1, flushes=1)


async def test_the_watch(near: Near) -> None:
    """It serves after an answer; without one it stops serving, and forgets all a second later."""
    answers = iter([True, False, False])
    asked = asyncio.Event()

    async def beat() -> bool:
        try:
            return next(answers)
        except StopIteration:
            asked.set()
            return False

    await kept(near, "a")
    watching = asyncio.create_task(near.watch(beat))
    await asyncio.sleep(0)
    assert near.stats.entries == 1
    await asked.wait()
    assert near.stats.entries == 1
    near.until = 0
    assert near.stats.entries == 0

    async with asyncio.timeout(2):
        while not near.flushes:
            await asyncio.sleep(0.01)

    watching.cancel()
    await asyncio.wait({watching})


def test_what_the_options_ask_for() -> None:
    """Entries make a memory cache, a cache is taken as it is, neither is no near cache."""
    store = MemoryCache()
    assert make_near(None, 0) is None
    own = make_near(store, 0)
    assert own is not None
    assert own.store is store
    made = make_near(None, 5)
    assert made is not None
    assert isinstance(made.store, MemoryCache)
