"""What to cancel in a ``RedisCache``, and what must hold after it."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure import InfrastructureError
from infrastructure.caching.redis import RedisCache

from .._sweep import Scenarios, Steps
from .._watch import until
from ._caches import made

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()

MANY = {f"many {number}": number for number in range(600)}
"""More than one step of a batch."""

LARGE = "x" * 100_000


@SCENARIOS.of("get", "exists", "ttl", least=3)
async def reads(cache: RedisCache) -> Steps:
    """Their late replies are nobody's."""
    await cache.set("a", "value of a", ttl=60)
    await cache.set("b", "value of b")

    async def operation() -> None:
        assert await cache.get("a") == "value of a"
        assert await cache.exists("a")
        assert await cache.ttl("a")

    yield operation
    assert (await cache.get("b"), await cache.get("a")) == ("value of b", "value of a")


@SCENARIOS.of("set", "delete", least=3)
async def writes(cache: RedisCache) -> Steps:
    """Each is done or not; later ones are done after it."""

    async def operation() -> None:
        await cache.set("a", 1)
        await cache.set("a", 2, ttl=60)
        assert await cache.delete("a")

    outcome = yield operation
    assert await cache.get("a") in ((None, 1, 2) if outcome.reached else (None,))
    await cache.set("a", "last")
    assert await cache.get("a") == "last"


@SCENARIOS.of("set", "get", least=2)
async def a_large_value(cache: RedisCache) -> Steps:
    """It is whole or not there; a later write of its key comes after it."""

    async def operation() -> None:
        await cache.set("large", LARGE)
        assert await cache.get("large") == LARGE

    outcome = yield operation
    assert await cache.get("large") in ((None, LARGE) if outcome.reached else (LARGE,))
    await cache.set("large", "small")
    assert await cache.get("large") == "small"


@SCENARIOS.of("get_many", least=2)
async def many_reads(cache: RedisCache) -> Steps:
    """They leave nothing."""
    await cache.set_many(MANY)

    async def operation() -> None:
        assert await cache.get_many(MANY) == MANY

    yield operation
    assert await cache.get("many 7") == 7


@SCENARIOS.of("set_many", least=2)
async def many_writes(cache: RedisCache) -> Steps:
    """Each key has its value or none; all have it when it was not cancelled."""
    outcome = yield lambda: cache.set_many(MANY, ttl=60)
    found = await cache.get_many(MANY)
    assert found.items() <= MANY.items()
    assert outcome.reached or found == MANY


@SCENARIOS.of("delete_many", least=2)
async def many_removals(cache: RedisCache) -> Steps:
    """What is left has its value; nothing is left when it was not cancelled."""
    await cache.set_many(MANY)
    outcome = yield lambda: cache.delete_many(MANY)
    found = await cache.get_many(MANY)
    assert found.items() <= MANY.items()
    assert outcome.reached or not found


@SCENARIOS.of("scan_keys", least=2)
async def a_scan(cache: RedisCache) -> Steps:
    """It leaves nothing; the keys are there."""
    keys = {f"scanned {number}": number for number in range(2500)}
    await cache.set_many(keys)

    async def operation() -> None:
        assert set(await cache.scan_keys("scanned *")) == keys.keys()

    yield operation
    assert await cache.delete_many(keys) == len(keys)


@SCENARIOS.of("get_or_set", least=2)
async def a_value_that_is_made(cache: RedisCache) -> Steps:
    """The factory runs once or, cancelled before, not at all; its value is stored, no lease is left."""
    calls = 0

    async def factory() -> str:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return "made"

    yield lambda: cache.get_or_set("key", factory)
    assert await cache.get_or_set("key", factory) == "made"
    assert (calls, await cache.get("key")) == (1, "made")


@SCENARIOS.of("get_or_set", least=1)
async def one_of_two_who_wait(cache: RedisCache) -> Steps:
    """The other one gets the value."""
    go, begun = asyncio.Event(), asyncio.Event()

    async def factory() -> str:
        begun.set()
        await go.wait()
        return "made"

    async def operation() -> Any:
        asyncio.get_running_loop().call_soon(go.set)
        return await cache.get_or_set("key", factory)

    other = asyncio.ensure_future(cache.get_or_set("key", factory))
    await begun.wait()
    yield operation
    go.set()
    assert await other == "made"


@SCENARIOS.of("connect", "disconnect", least=2, connected=False)
async def a_life(cache: RedisCache) -> Steps:
    """It can begin again, and the entries are there."""

    async def operation() -> None:
        await cache.connect()
        await cache.set("kept", 1)
        await cache.disconnect()

    outcome = yield operation
    await cache.connect()
    assert await cache.get("kept") in ((None, 1) if outcome.reached else (1,))


@SCENARIOS.of("connect", least=1, connected=False)
async def a_connect(cache: RedisCache) -> Steps:
    """All or nothing: cancelled, it is closed again, for nobody would close it."""
    outcome = yield lambda: cache.connect()  # noqa: PLW0108 - it is looked up when it is called
    await until(lambda: ("connected" in repr(cache)) is not outcome.reached, lambda: cache)
    await cache.connect()


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_with_calls_under_way(cache: RedisCache) -> Steps:
    """They end, with a value or an error; it is closed."""
    calls = [asyncio.ensure_future(cache.get(f"key {n}")) for n in range(20)]
    calls.append(asyncio.ensure_future(cache.get_or_set("absent", made)))
    await asyncio.sleep(0)
    yield lambda: cache.disconnect()  # noqa: PLW0108 - it is looked up when it is called
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert all(end in (None, "made") or isinstance(end, InfrastructureError) for end in ends), ends
    await until(lambda: repr(cache).endswith("closed>"), lambda: cache)
    await cache.connect()


@SCENARIOS.of("__aenter__", "__aexit__", least=2, connected=False)
async def a_block(cache: RedisCache) -> Steps:
    """Cancelled anywhere, it is closed."""

    async def operation() -> None:
        async with cache:
            await cache.set("kept", 1)

    yield operation
    await until(lambda: repr(cache).endswith("closed>"), lambda: cache)
    await cache.connect()
