"""C9: one factory call a key, whoever waits and whoever is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

from .._check import check
from .._expect import beside, equal, exactly, raises, turns
from .._harness import CachingHarness
from ._factory import WHO, Factory, started
from ._passing import Passing

__all__ = [
    "C9_a_hit_calls_no_factory",
    "C9_a_set_meanwhile_wins",
    "C9_an_answer_shares_nothing_with_the_cache",
    "C9_cancelling_some_waiters_touches_only_those",
    "C9_one_call_however_many_wait",
    "C9_the_factory_runs_in_its_callers_context",
    "C9_the_factorys_error_reaches_all_and_is_not_cached",
    "C9_the_value_is_stored_with_its_ttl",
]


@check(feature="get_or_set")
async def C9_a_hit_calls_no_factory(harness: CachingHarness) -> None:
    """A stored value comes as it is, a stored None too."""
    factory = Factory("made", waits=False)

    async with harness.make() as cache:
        for value in (1, None, [1]):
            await cache.set("key", value)
            equal(await cache.get_or_set("key", factory), value)

        assert factory.calls == 0, "the factory was called for a key that is there"


@check(feature="get_or_set")
async def C9_the_value_is_stored_with_its_ttl(harness: CachingHarness) -> None:
    """A miss calls the factory, and stores what it made; a made None is a hit afterwards."""
    factory = Factory(None, waits=False)

    async with harness.make() as cache:
        passing = Passing(harness)
        exactly(await cache.get_or_set("key", factory, 60), None)
        assert await cache.exists("key") is True, "a made None was not stored"
        passing.left(await cache.ttl("key"), 60)
        await cache.get_or_set("key", factory)
        assert factory.calls == 1, "a stored None was taken for a miss"
        await cache.get_or_set("other", factory)
        exactly(await cache.ttl("other"), None)


@check(feature="get_or_set")
async def C9_one_call_however_many_wait(harness: CachingHarness) -> None:
    """Fifty callers of one key wait for one call; another key has its own."""
    factory, other = Factory("made"), Factory("other")

    async with harness.make() as cache:
        waiters = [beside(cache.get_or_set("key", factory)) for _ in range(50)]
        apart = beside(cache.get_or_set("other", other))
        await started(factory)
        await started(other)
        waiters += [beside(cache.get_or_set("key", factory)) for _ in range(10)]
        await turns()
        other.go.set()
        assert await apart == "other", "a key waited for another one's factory"
        factory.go.set()
        equal(await asyncio.gather(*waiters), ["made"] * 60)
        assert factory.calls == 1, f"the factory was called {factory.calls} times"


@check(feature="get_or_set")
async def C9_an_answer_shares_nothing_with_the_cache(harness: CachingHarness) -> None:
    """Changing the answer, or what the factory gave, does not change what is stored."""
    factory = Factory({"list": [1]}, waits=False)

    async with harness.make() as cache:
        answer = await cache.get_or_set("key", factory)
        stored = await cache.get("key")
        answer["list"].append(2)
        factory.result["list"].append(3)
        equal(stored, {"list": [1]})
        assert await cache.get("key") == {"list": [1]}, "it shares with the stored value"


@check(feature="get_or_set")
async def C9_the_factorys_error_reaches_all_and_is_not_cached(harness: CachingHarness) -> None:
    """All who wait get the very error; the next caller calls the factory again."""
    factory = Factory(LookupError("no such row"))

    async with harness.make() as cache:
        waiters = [beside(cache.get_or_set("key", factory)) for _ in range(3)]
        await started(factory)
        await turns()
        factory.go.set()
        answers = await asyncio.gather(*waiters, return_exceptions=True)
        assert all(type(answer) is LookupError for answer in answers), f"got {answers!r}"
        assert await cache.exists("key") is False, "an error was cached"
        factory.result = "made"
        equal(await cache.get_or_set("key", factory), "made")
        equal(factory.calls, 2)


@check(feature="get_or_set")
async def C9_cancelling_some_waiters_touches_only_those(harness: CachingHarness) -> None:
    """The first caller, whose call started the factory, may go; the others get the value."""
    factory = Factory("made")

    async with harness.make() as cache:
        first = beside(cache.get_or_set("key", factory))
        await started(factory)
        others = [beside(cache.get_or_set("key", factory)) for _ in range(3)]
        await turns()
        first.cancel()
        others[1].cancel()
        await raises(asyncio.CancelledError, lambda: first, "the cancelled first caller")
        await raises(asyncio.CancelledError, lambda: others[1], "a cancelled waiter")
        factory.go.set()
        equal([await others[0], await others[2]], ["made", "made"])
        assert factory.calls == 1, "the factory was called again for those who stayed"
        equal(await cache.get("key"), "made")


@check(feature="get_or_set")
async def C9_a_set_meanwhile_wins(harness: CachingHarness) -> None:
    """A value that was set while the factory ran stays; the made one goes to the waiters."""
    factory = Factory("made")

    async with harness.make() as cache:
        waiter = beside(cache.get_or_set("key", factory))
        await started(factory)
        await cache.set("key", "set")
        factory.go.set()
        equal(await waiter, "made")
        assert await cache.get("key") == "set", "the factory's value overwrote a later set"


@check(feature="get_or_set")
async def C9_the_factory_runs_in_its_callers_context(harness: CachingHarness) -> None:
    """It sees the context variables of its first caller, and may use the cache itself."""
    factory = Factory("made")

    async with harness.make() as cache:
        token = WHO.set("first")
        first = beside(cache.get_or_set("key", factory))
        await started(factory)
        WHO.reset(token)
        second = beside(cache.get_or_set("key", factory))
        await turns()
        factory.go.set()
        equal([await first, await second], ["made", "made"])
        assert factory.seen == ["first"], f"the factory saw {factory.seen}"

        async def nested() -> Any:
            return await cache.get_or_set("inner", Factory(1, waits=False))

        equal(await cache.get_or_set("outer", nested), 1)
