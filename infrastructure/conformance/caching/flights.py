"""C9, what only our own engine keeps: deletes win, arguments first, one call over all handles."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import TimeoutError, ValidationError, deadline
from .._check import check
from .._expect import beside, equal, exactly, raises, turns
from .._harness import CachingHarness
from ._factory import Factory, soon, started

__all__ = [
    "C9_a_batch_write_meanwhile_wins",
    "C9_a_caller_after_a_delete_gets_a_fresh_value",
    "C9_a_delete_meanwhile_wins",
    "C9_a_factory_ends_with_the_time_of_its_waiters",
    "C9_a_made_value_that_cannot_be_stored_reaches_all_as_an_error",
    "C9_a_set_and_delete_meanwhile_win",
    "C9_an_older_factorys_end_touches_no_younger_one",
    "C9_each_caller_gets_a_copy_of_its_own",
    "C9_handles_of_one_store_share_the_call",
    "C9_the_arguments_are_validated_before_the_factory_runs",
]


async def _made_while(harness: CachingHarness, change: Any) -> tuple[Any, bool, Any]:
    factory = Factory("made")

    async with harness.make() as cache:
        waiter = beside(cache.get_or_set("key", factory))
        await started(factory)
        await change(cache)
        factory.go.set()
        return await waiter, await cache.exists("key"), await cache.get("key")


@check(feature="flights")
async def C9_a_delete_meanwhile_wins(harness: CachingHarness) -> None:
    """After a delete during the factory's run the key stays missing."""
    after = await _made_while(harness, lambda cache: cache.delete("key"))
    assert after == ("made", False, None), f"(answer, exists, value) is {after}"


@check(feature="flights")
async def C9_a_set_and_delete_meanwhile_win(harness: CachingHarness) -> None:
    """Also when the key was set and deleted again: it is missing, as at the start."""

    async def change(cache: Any) -> None:
        await cache.set("key", "set")
        await cache.delete("key")

    after = await _made_while(harness, change)
    assert after == ("made", False, None), f"(answer, exists, value) is {after}"


@check(feature="flights")
async def C9_a_batch_write_meanwhile_wins(harness: CachingHarness) -> None:
    """set_many and delete_many count as set and delete."""
    after = await _made_while(harness, lambda cache: cache.set_many({"key": "set"}))
    assert after == ("made", True, "set"), f"after set_many (answer, exists, value) is {after}"
    async with harness.make() as cache:
        await cache.delete("key")

    after = await _made_while(harness, lambda cache: cache.delete_many(["key"]))
    assert after == ("made", False, None), f"after delete_many it is {after}"


@check(feature="flights")
async def C9_a_caller_after_a_delete_gets_a_fresh_value(harness: CachingHarness) -> None:
    """Who asks after the delete does not join a factory that began before it."""
    stale, fresh = Factory("stale"), Factory("fresh", waits=False)

    async with harness.make() as cache:
        early = beside(cache.get_or_set("key", stale))
        await started(stale)
        await cache.delete("key")
        answer = await soon(cache.get_or_set("key", fresh))
        assert answer == "fresh", f"it joined the older factory: {answer!r}"
        stale.go.set()
        equal(await early, "stale")
        assert await cache.get("key") == "fresh", "the older factory's value was stored"


@check(feature="flights")
async def C9_an_older_factorys_end_touches_no_younger_one(harness: CachingHarness) -> None:
    """Who asks while the younger factory runs joins it, also when the older one is done."""
    older, younger = Factory("stale"), Factory("fresh")

    async with harness.make() as cache:
        early = beside(cache.get_or_set("key", older))
        await started(older)
        await cache.delete("key")
        waiters = [beside(cache.get_or_set("key", younger))]
        await started(younger)
        older.go.set()
        equal(await early, "stale")
        await turns()
        waiters.append(beside(cache.get_or_set("key", younger)))
        await turns()
        younger.go.set()
        equal(await asyncio.gather(*waiters), ["fresh", "fresh"])
        assert younger.calls == 1, "the end of the older factory made room for another"


@check(feature="flights")
async def C9_a_factory_ends_with_the_time_of_its_waiters(harness: CachingHarness) -> None:
    """Who waits gets TimeoutError; who asks afterwards waits for a new call, not for that one."""
    ended = asyncio.Event()

    async def never() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with harness.make() as cache:
        # In which a server has said that there is no value.
        with deadline(0.25):
            await raises(TimeoutError, lambda: cache.get_or_set("key", never), "the only waiter")

        equal(await soon(cache.get_or_set("key", Factory("made", waits=False))), "made")
        await soon(ended.wait())
        assert await cache.get("key") == "made", "the factory that was ended changed the value"


@check(feature="flights")
async def C9_each_caller_gets_a_copy_of_its_own(harness: CachingHarness) -> None:
    """Changing the answer changes nobody else's."""
    factory = Factory({"list": [1]})

    async with harness.make() as cache:
        waiters = [beside(cache.get_or_set("key", factory)) for _ in range(2)]
        await started(factory)
        await turns()
        factory.go.set()
        first, second = await asyncio.gather(*waiters)
        first["list"].append(2)
        assert second == {"list": [1]}, "two callers share one answer"


@check(feature="flights")
async def C9_the_arguments_are_validated_before_the_factory_runs(harness: CachingHarness) -> None:
    """A bad key or ttl is a ValidationError and calls no factory."""
    factory = Factory("made", waits=False)
    bad: Any = "1"

    async with harness.make() as cache:
        await raises(ValidationError, lambda: cache.get_or_set("", factory), "an empty key")
        await raises(ValidationError, lambda: cache.get_or_set("key", factory, -1), "ttl=-1")
        await raises(ValidationError, lambda: cache.get_or_set("key", factory, bad), "ttl='1'")
        assert factory.calls == 0, "the factory ran before the arguments were looked at"


@check(feature="flights")
async def C9_a_made_value_that_cannot_be_stored_reaches_all_as_an_error(
    harness: CachingHarness,
) -> None:
    """A value outside the contract is a ValidationError for everybody who waits."""
    factory = Factory(object())

    async with harness.make() as cache:
        waiters = [beside(cache.get_or_set("key", factory)) for _ in range(3)]
        await started(factory)
        factory.go.set()
        answers = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(answer) for answer in answers] == [ValidationError] * 3, f"got {answers!r}"
        exactly(await cache.exists("key"), False)


@check(feature="shared_handles")
async def C9_handles_of_one_store_share_the_call(harness: CachingHarness) -> None:
    """Two instances that reach the same data call one factory between them."""
    factory = Factory("made")

    async with harness.make() as one, harness.make() as two:
        waiters = [beside(cache.get_or_set("key", factory)) for cache in (one, two, one, two)]
        await started(factory)
        await asyncio.sleep(0.01)
        factory.go.set()
        equal(await asyncio.gather(*waiters), ["made"] * 4)
        assert factory.calls == 1, f"the factory was called {factory.calls} times"
