"""What to cancel in a ``MemoryCache``, and what must hold after it."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.caching.memory import MemoryCache

from ._sweep import Scenarios, Steps
from ._watch import until

__all__ = ["MOST", "SCENARIOS"]

SCENARIOS = Scenarios()

MOST = 3000
"""Entries that the caches of this sweep may hold."""

MANY = {f"key {number}": number for number in range(600)}
"""More than one step of a batch."""


@SCENARIOS.of("get", "set", "delete", "exists", "ttl", least=0)
async def single_keys(cache: MemoryCache) -> Steps:
    """They never suspend: nothing can come between."""

    async def operation() -> None:
        await cache.set("a", [1], ttl=60)
        assert (await cache.get("a"), await cache.exists("a")) == ([1], True)
        assert await cache.ttl("a") in (59, 60)
        assert await cache.delete("a")

    yield operation
    assert not await cache.exists("a")


@SCENARIOS.of("set", least=1)
async def a_large_value_that_pushes_others_out(cache: MemoryCache) -> Steps:
    """It is there, and the bound holds again: at the latest after the next ``set``."""
    await cache.set_many({f"small {number}": "x" * 1000 for number in range(MOST)})
    yield lambda: cache.set("large", "y" * 3_000_000)
    assert await cache.get("large") == "y" * 3_000_000
    await cache.set("next", 1)
    assert cache.stats.bytes <= 5_000_000


@SCENARIOS.of("get_many", least=2)
async def many_reads(cache: MemoryCache) -> Steps:
    """They leave nothing."""
    await cache.set_many(MANY)

    async def operation() -> None:
        assert await cache.get_many(MANY) == MANY

    yield operation
    assert cache.stats.entries == len(MANY)


@SCENARIOS.of("set_many", least=4)
async def many_writes(cache: MemoryCache) -> Steps:
    """Each key has its value or none; all have it when it was not cancelled."""
    outcome = yield lambda: cache.set_many(MANY, ttl=60)
    found = await cache.get_many(MANY)
    assert found.items() <= MANY.items()
    assert outcome.reached or found == MANY


@SCENARIOS.of("delete_many", least=2)
async def many_removals(cache: MemoryCache) -> Steps:
    """What is left has its value; nothing is left when it was not cancelled."""
    await cache.set_many(MANY)
    outcome = yield lambda: cache.delete_many(MANY)
    found = await cache.get_many(MANY)
    assert found.items() <= MANY.items()
    assert outcome.reached or not found


@SCENARIOS.of("scan_keys", least=1)
async def a_scan(cache: MemoryCache) -> Steps:
    """It leaves nothing; a pattern with many stars takes longer than one step."""
    keys = {f"{'a' * 200}{number}": None for number in range(MOST)}
    await cache.set_many(keys)
    yield lambda: cache.scan_keys("*a*a*a*a*a*b*")
    assert cache.stats.entries == MOST


@SCENARIOS.of("get_or_set", least=1)
async def a_value_that_is_made(cache: MemoryCache) -> Steps:
    """The factory goes on without its caller, once, and its value is stored."""
    calls, go = 0, asyncio.Event()

    async def factory() -> Any:
        nonlocal calls
        calls += 1
        asyncio.get_running_loop().call_soon(go.set)
        await go.wait()
        return "made"

    yield lambda: cache.get_or_set("key", factory)
    assert await cache.get_or_set("key", factory) == "made"
    assert (calls, await cache.get("key")) == (1, "made")


@SCENARIOS.of("get_or_set", least=1)
async def one_of_two_who_wait(cache: MemoryCache) -> Steps:
    """The other one gets the value."""
    go = asyncio.Event()

    async def factory() -> Any:
        await go.wait()
        return "made"

    async def operation() -> None:
        asyncio.get_running_loop().call_soon(go.set)
        await cache.get_or_set("key", factory)

    other = asyncio.ensure_future(cache.get_or_set("key", factory))
    await asyncio.sleep(0)
    yield operation
    go.set()
    assert await other == "made"


@SCENARIOS.of("connect", "disconnect", least=2, connected=False)
async def a_life(cache: MemoryCache) -> Steps:
    """It can begin again, and the entries are there."""

    async def operation() -> None:
        await cache.connect()
        await cache.set("kept", 1)
        await cache.disconnect()

    outcome = yield operation
    await cache.connect()
    assert await cache.get("kept") in ((None, 1) if outcome.reached else (1,))


@SCENARIOS.of("connect", least=1, connected=False)
async def a_connect(cache: MemoryCache) -> Steps:
    """All or nothing: cancelled, it is closed again, for nobody would close it."""
    outcome = yield lambda: cache.connect()  # noqa: PLW0108 - it is looked up when it is called
    await until(lambda: ("connected" in repr(cache)) is not outcome.reached, lambda: cache)
    await cache.connect()


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_that_waits_for_a_factory(cache: MemoryCache) -> Steps:
    """Cancelling it forces it."""
    go = asyncio.Event()

    async def factory() -> Any:
        await go.wait()
        return "made"

    async def operation() -> None:
        asyncio.get_running_loop().call_soon(go.set)
        await cache.disconnect()

    waiter = asyncio.ensure_future(cache.get_or_set("key", factory))
    await asyncio.sleep(0)
    yield operation
    await until(lambda: repr(cache).endswith("closed>"), lambda: cache)
    await asyncio.wait({waiter})
    assert waiter.exception() is not None or waiter.result() == "made"
    await cache.connect()


@SCENARIOS.of("__aenter__", "__aexit__", least=2, connected=False)
async def a_block(cache: MemoryCache) -> Steps:
    """Cancelled anywhere, it is closed."""

    async def operation() -> None:
        async with cache:
            await cache.set("kept", 1)
            await asyncio.sleep(0)

    yield operation
    await until(lambda: repr(cache).endswith("closed>"), lambda: cache)
    await cache.connect()
