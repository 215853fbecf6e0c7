"""G5: every call ends in time."""

from __future__ import annotations

import asyncio
import builtins
from contextlib import ExitStack

from ...interfaces import TimeoutError, TransactionError, ValidationError, deadline
from .._check import check
from .._expect import beside, has_state, raises
from .._harness import StorageHarness
from .._stopwatch import Stopwatch
from ._items import SLOW, calls_of, hurried, items_of

__all__ = [
    "G5_a_call_after_the_deadline_is_refused",
    "G5_a_child_task_has_its_parents_deadline",
    "G5_a_rollback_is_not_stopped_by_an_expired_block",
    "G5_a_slow_statement_ends_in_time",
    "G5_an_open_deadline_changes_nothing",
    "G5_the_default_of_the_constructor_counts",
    "G5_the_earliest_of_nested_deadlines_rules",
    "G11_a_bad_deadline_is_refused",
]

_PASSED = 1e-9
_SLACK = 0.25


@check(feature="deadlines")
async def G5_a_call_after_the_deadline_is_refused(harness: StorageHarness) -> None:
    """Every method raises TimeoutError and does nothing."""
    async with items_of(harness) as items:
        await items.add(-1)

        with deadline(_PASSED):
            for name, call in calls_of(items).items():
                error = await raises(TimeoutError, call, f"{name} after the deadline")
                assert error.outcome == "not_applied", f"{name}: outcome={error.outcome!r}"

        await items.holds([-1], "a call that timed out did its work")
        await raises(TransactionError, items.storage.rollback, "a rollback: nothing was begun")


@check(feature="deadlines")
async def G5_an_open_deadline_changes_nothing(harness: StorageHarness) -> None:
    """In time all works; ``deadline(None)`` lifts the default of the single calls."""
    async with items_of(harness) as items:
        for number, seconds in enumerate((5.0, None)):
            with deadline(seconds):
                await items.add(number)
                await items.storage.begin_transaction()
                await items.many("INSERT INTO items (id) VALUES ($1)", [[number + 10]])
                await items.storage.commit()

        await items.holds([0, 1, 10, 11])


@check(feature="deadlines")
async def G5_the_earliest_of_nested_deadlines_rules(harness: StorageHarness) -> None:
    """An inner block cannot lengthen, nor lift, the enclosing one; afterwards it is gone."""
    async with items_of(harness) as items:
        with deadline(_PASSED):
            for inner in (10.0, None):
                with deadline(inner):
                    await raises(TimeoutError, items.ids, f"deadline({inner}) inside")

        with deadline(10.0), deadline(_PASSED):
            await raises(TimeoutError, items.ids, "the inner, earlier deadline")

        await items.holds([])


@check(feature="deadlines")
async def G5_a_child_task_has_its_parents_deadline(harness: StorageHarness) -> None:
    """A task that is started inside the block ends by its instant."""
    async with items_of(harness) as items:
        with deadline(_PASSED):
            child = beside(items.add(1))

        await raises(TimeoutError, lambda: child, "a child task's statement")
        await items.holds([])


@check(feature="deadlines")
async def G5_a_slow_statement_ends_in_time(harness: StorageHarness) -> None:
    """Outside and inside a transaction, alone and as one of many; the storage works on."""
    async with items_of(harness) as items:
        for inside in (False, True):
            if inside:
                await items.storage.begin_transaction()

            watch = Stopwatch()

            with deadline(0.1):
                error = await raises(TimeoutError, lambda: items.run(SLOW), "a slow statement")

            took = watch.taken
            assert took <= 0.1 + _SLACK, f"it took {took:.3f} s with a deadline of 0.1 s"
            assert error.sqlstate in (None, "57014"), f"sqlstate={error.sqlstate}"

            if inside:
                aborted = await raises(TransactionError, items.ids, "a statement after it")
                has_state(aborted, "25P02")
                await items.storage.rollback()

            await items.add(int(inside))

        await items.holds([0, 1])


@check(feature="deadlines")
async def G5_the_default_of_the_constructor_counts(harness: StorageHarness) -> None:
    """``deadline=`` is that of every single call; a block goes before it, or lifts it."""
    async with hurried(harness, 0.2) as items:
        watch = Stopwatch()
        await raises(TimeoutError, lambda: items.run(SLOW), "a slow statement")
        took, passed = watch.taken, watch.passed
        assert took <= 0.2 + _SLACK, f"it took {took:.3f} s with deadline=0.2"
        assert passed >= 0.15, f"it ended after {passed:.3f} s with deadline=0.2"
        watch = Stopwatch()

        with deadline(0.4):
            await raises(TimeoutError, lambda: items.run(SLOW), "a slow statement in a block")

        took, passed = watch.taken, watch.passed
        assert took <= 0.4 + _SLACK, f"it took {took:.3f} s in deadline(0.4)"
        assert passed >= 0.35, f"it ended after {passed:.3f} s in deadline(0.4)"

        async def lifted() -> None:
            async with asyncio.timeout(0.3):
                with deadline(None):
                    await items.run(SLOW)

        error = await raises(builtins.TimeoutError, lifted, "asyncio.timeout(0.3)")
        assert not isinstance(error, TimeoutError), f"the default was not lifted: {error}"


@check(feature="deadlines")
async def G5_a_rollback_is_not_stopped_by_an_expired_block(harness: StorageHarness) -> None:
    """It has a second of its own; the end of an ``async with`` too, and a disconnect."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)

        with deadline(_PASSED):
            await items.storage.rollback()

        await items.holds([])

        async def body() -> None:
            async with items.storage.transaction():
                await items.add(2)

                with deadline(_PASSED):
                    await items.add(3)

        await raises(TimeoutError, body, "the block")
        await items.add(4)

        with ExitStack() as stack:
            async with items.storage.transaction():
                await items.add(5)
                stack.enter_context(deadline(_PASSED))

        await items.holds([4, 5], "a block was not committed after the deadline")

        with deadline(_PASSED):
            await items.storage.disconnect()

        assert await items.storage.is_connected() is False, "it did not disconnect"


@check(feature="deadlines")
async def G11_a_bad_deadline_is_refused(harness: StorageHarness) -> None:
    """Zero, negative, nan, a bool, a text: ValidationError when the block is made."""
    for seconds in (0, -1, float("nan"), float("inf"), True, "1"):

        async def make(seconds: object = seconds) -> object:
            return deadline(seconds)  # type: ignore[arg-type]  # on purpose

        await raises(ValidationError, make, f"deadline({seconds!r})")
