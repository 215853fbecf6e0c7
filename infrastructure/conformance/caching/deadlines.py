"""G5 and G10: every call ends in time, and what runs on its own inherits no deadline."""

from __future__ import annotations

import asyncio

from ...interfaces import TimeoutError, ValidationError, deadline
from .._check import check
from .._expect import beside, equal, exactly, raises, turns
from .._harness import CachingHarness
from .._stopwatch import Stopwatch
from ._factory import Factory, soon, started
from .lifecycle import calls_of

__all__ = [
    "G5_a_call_after_the_deadline_is_refused",
    "G5_a_child_task_has_its_parents_deadline",
    "G5_a_waiter_ends_by_its_own_deadline",
    "G5_an_open_deadline_changes_nothing",
    "G5_connect_and_disconnect_under_a_passed_deadline",
    "G5_the_constructors_deadline_is_the_default",
    "G5_the_earliest_of_nested_deadlines_rules",
    "G10_the_factory_has_no_deadline_of_its_caller",
    "G11_a_bad_deadline_is_refused",
]

_PASSED = 1e-9
_SLACK = 0.25


@check(feature="deadlines")
async def G5_a_call_after_the_deadline_is_refused(harness: CachingHarness) -> None:
    """Every method raises TimeoutError, of ours and the builtin one, and does nothing."""
    async with harness.make() as cache:
        await cache.set("key", "old")

        with deadline(_PASSED):
            for name, call in calls_of(cache).items():
                error = await raises(TimeoutError, call, f"{name} after the deadline")
                assert error.outcome == "not_applied", f"{name}: outcome={error.outcome!r}"

        assert await cache.get("key") == "old", "a call that timed out did its work"


@check(feature="deadlines")
async def G5_an_open_deadline_changes_nothing(harness: CachingHarness) -> None:
    """In time all works; ``deadline(None)`` lifts the default of the single calls."""
    async with harness.make() as cache:
        for seconds in (5.0, None):
            with deadline(seconds):
                for call in calls_of(cache).values():
                    await call()


@check(feature="deadlines")
async def G5_the_earliest_of_nested_deadlines_rules(harness: CachingHarness) -> None:
    """An inner block cannot lengthen, nor lift, the enclosing one; afterwards it is gone."""
    async with harness.make() as cache:
        with deadline(_PASSED):
            for inner in (10.0, None):
                with deadline(inner):
                    await raises(
                        TimeoutError, lambda: cache.get("key"), f"deadline({inner}) inside"
                    )

        with deadline(10.0), deadline(_PASSED):
            await raises(TimeoutError, lambda: cache.get("key"), "the inner, earlier deadline")

        exactly(await cache.get("key"), None)


@check(feature="deadlines")
async def G5_a_child_task_has_its_parents_deadline(harness: CachingHarness) -> None:
    """A task that is started inside the block ends by its instant."""
    async with harness.make() as cache:
        with deadline(_PASSED):
            child = beside(cache.set("key", 1))

        await raises(TimeoutError, lambda: child, "a child task's set")


@check(feature="deadlines")
async def G5_connect_and_disconnect_under_a_passed_deadline(harness: CachingHarness) -> None:
    """Connect is refused and leaves nothing; disconnect does its work."""
    cache = harness.make()

    with deadline(_PASSED):
        await raises(TimeoutError, cache.connect, "connect after the deadline")

    await cache.connect()
    await cache.set("key", 1)

    with deadline(_PASSED):
        await cache.disconnect()

    await cache.connect()
    equal(await cache.get("key"), 1)
    await cache.disconnect()


@check(feature="flights")
async def G5_a_waiter_ends_by_its_own_deadline(harness: CachingHarness) -> None:
    """Who waits for a factory gets TimeoutError in time; one with more time gets the value."""
    factory = Factory("made")

    async with harness.make() as cache:
        patient = beside(cache.get_or_set("key", factory))
        await started(factory)
        watch = Stopwatch()

        with deadline(0.05):
            call = lambda: soon(cache.get_or_set("key", factory))  # noqa: E731 - used once
            await raises(TimeoutError, call, "a short waiter")

        took = watch.taken
        assert took <= 0.05 + _SLACK, f"it took {took:.3f} s with a deadline of 0.05 s"
        factory.go.set()
        equal(await patient, "made")
        equal(factory.calls, 1)


@check(feature="flights")
async def G5_the_constructors_deadline_is_the_default(harness: CachingHarness) -> None:
    """``deadline=`` ends a call around which no block is open; ``deadline(None)`` lifts it."""
    factory = Factory("made")
    cache = harness.make(deadline=0.05)

    with deadline(None):
        # Connecting to several servers may take longer, and is not what is looked at.
        await cache.connect()

    async with cache:
        with deadline(None):
            patient = beside(cache.get_or_set("key", factory))

        await started(factory)
        watch = Stopwatch()
        call = lambda: soon(cache.get_or_set("key", factory))  # noqa: E731 - used once
        await raises(TimeoutError, call, "deadline=0.05")
        took = watch.taken
        assert took <= 0.05 + _SLACK, f"it took {took:.3f} s with deadline=0.05"
        assert not patient.done(), "deadline(None) did not lift the default"
        factory.go.set()
        equal(await patient, "made")


@check(feature="flights")
async def G10_the_factory_has_no_deadline_of_its_caller(harness: CachingHarness) -> None:
    """It may go on for a later waiter when the time of its first caller is over."""
    go = asyncio.Event()
    factory = Factory("made")

    async with harness.make() as cache:

        async def uses_the_cache() -> str:
            await factory()
            await go.wait()
            # The first caller's deadline has passed by now.
            await cache.set("noted", 1)
            return "made"

        # In which a server has said that there is no value.
        with deadline(0.25):
            first = beside(cache.get_or_set("key", uses_the_cache))

        await started(factory)
        second = beside(cache.get_or_set("key", uses_the_cache))
        await turns()
        factory.go.set()
        await raises(TimeoutError, lambda: soon(first), "the first caller")
        go.set()
        equal(await second, "made")
        equal(await cache.get("noted"), 1)


@check(feature="deadlines")
async def G11_a_bad_deadline_is_refused(harness: CachingHarness) -> None:
    """``deadline=`` of the constructor is a positive number of seconds."""
    for bad in (0, -1, float("nan"), float("inf"), True):

        async def make(bad: float = bad) -> None:
            harness.make(deadline=bad)

        await raises(ValidationError, make, f"deadline={bad!r}")
