"""G7 and S9: a cancellation is never lost, and leaves a storage that works."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ...interfaces import IntegrityError, TransactionError, deadline
from ...testing.cancellation import CancellationOutcome, every_cancellation
from .._breaking import PATIENT
from .._check import check
from .._expect import apart, beside, equal, has_state, raises, turns
from .._harness import StorageHarness
from .._stopwatch import Stopwatch
from ._items import SLOW, Items, calls_of, items_of

__all__ = [
    "G7_a_cancelled_connect_leaves_nothing",
    "G7_a_cancelled_place_goes_to_the_next",
    "G7_a_cancelled_statement_aborts_its_transaction",
    "G7_a_cancelled_statement_ends_at_once",
    "G7_every_suspension_of_a_transaction_can_be_cancelled",
    "G7_every_suspension_of_every_method_can_be_cancelled",
    "G7_execute_many_is_all_or_nothing_when_cancelled",
    "S9_a_cancelled_block_of_a_child_is_undone_alone",
    "S9_a_cancelled_turn_goes_to_the_next",
]


def _told(name: str, outcome: CancellationOutcome) -> None:
    assert not outcome.swallowed, f"{name} lost its cancellation: {outcome}"
    assert outcome.error is None, f"{name} failed: {outcome}"


async def _still_works(items: Items) -> None:
    """A write and a read, each within its time, of a row that no cancelled write has to do with."""
    with deadline(2):
        await items.run("DELETE FROM items WHERE id < 0")
        await items.add(-7)
        found = await items.run("SELECT id FROM items WHERE id < 0")
        equal(found, [{"id": -7}])


async def _left(items: Items, key: int) -> list[int]:
    """Return the ids that stay, when what goes on in the background is done.

    ``key`` is the first id that was written: whoever inserts it again waits until its fate is known.
    """
    with deadline(2):
        await items.storage.begin_transaction()

        with suppress(IntegrityError):
            await items.add(key)

        await items.storage.rollback()
        return await items.ids()


@check(feature="cancellation")
async def G7_every_suspension_of_every_method_can_be_cancelled(harness: StorageHarness) -> None:
    """Cancelled at each suspension, while it waits and when its answer is there: it comes out."""
    async with items_of(harness) as items:
        calls = calls_of(items)
        del calls["create_hypertable"], calls["begin_transaction"]

        async def after(_: CancellationOutcome) -> None:
            await _still_works(items)

        for name, call in calls.items():
            for outcome in await every_cancellation(call, after=after):
                _told(name, outcome)


@check(feature="cancellation")
async def G7_every_suspension_of_a_transaction_can_be_cancelled(harness: StorageHarness) -> None:
    """Nothing of it stays when the cancellation came before its commit, and no lock."""
    async with items_of(harness) as items:
        committing = [False]

        async def whole() -> None:
            committing[0] = False

            async with items.storage.transaction():
                await items.add(1)

                async with items.storage.transaction():
                    await items.add(2)

                await items.ids()
                committing[0] = True

        async def after(outcome: CancellationOutcome) -> None:
            there = await _left(items, 1)
            assert there in ([], [1, 2]), f"half of it is there: {there} after {outcome}"
            # A cancelled commit may have happened; nothing before it may.
            assert there == [] or committing[0], f"it was committed before its end: {outcome}"
            await _still_works(items)
            await items.run("DELETE FROM items")

        await items.run("DELETE FROM items")

        for outcome in await every_cancellation(whole, after=after):
            _told("transaction()", outcome)


@check(feature="cancellation")
async def G7_execute_many_is_all_or_nothing_when_cancelled(harness: StorageHarness) -> None:
    """At every suspension of many rows, then and later: what was sent may still be stored."""
    async with items_of(harness) as items:
        runs: list[range] = []

        async def many() -> None:
            # Rows of its own: those of a cancelled one may come while the next one runs.
            start = 1200 * len(runs)
            runs.append(range(start, start + 1200))
            insert = "INSERT INTO items (id) VALUES ($1)"
            await items.many(insert, [[number] for number in runs[-1]])

        async def after(outcome: CancellationOutcome) -> None:
            _all_or_none(await _left(items, runs[-1].start), runs[-1], f"after {outcome}")
            await _still_works(items)

        for outcome in await every_cancellation(many, after=after):
            _told("execute_many", outcome)

        there = await items.ids()

        for each in runs:
            _all_or_none(there, each, "at the end")


def _all_or_none(there: list[int], wanted: range, when: str) -> None:
    found = sum(each in wanted for each in there)
    assert found in (0, len(wanted)), f"{found} of {len(wanted)} rows {when}"


@check(feature="cancellation")
async def G7_a_cancelled_statement_ends_at_once(harness: StorageHarness) -> None:
    """The caller does not wait for the database, and the next statement not for the cancelled one."""
    async with items_of(harness) as items:
        for text in (SLOW, f"INSERT INTO items (id) {SLOW}"):
            for _ in range(5):
                took = await _cancelled(items, text)
                assert took <= 0.5, f"the cancelled caller waited for {took:.3f} s"

            await _still_works(items)


async def _cancelled(items: Items, text: str) -> float:
    """Cancel a slow statement; return the seconds that its caller still waited."""
    task = apart(items.run(text))
    # It runs by then: one that had not begun would be given up without a trace.
    await asyncio.sleep(0.02)
    watch = Stopwatch()
    task.cancel()
    await raises(asyncio.CancelledError, lambda: task, "the slow statement")
    return watch.taken


@check(feature="cancellation")
async def G7_a_cancelled_statement_aborts_its_transaction(harness: StorageHarness) -> None:
    """Until rollback every statement raises TransactionError with 25P02."""
    async with items_of(harness) as items:

        async def slowly() -> None:
            # asyncio.timeout cancels the statement itself, in its own task.
            async with asyncio.timeout(0.05):
                await items.run(SLOW)

        await items.storage.begin_transaction()
        await items.add(1)
        await raises(builtins.TimeoutError, slowly, "asyncio.timeout")
        error = await raises(TransactionError, items.ids, "a statement after the cancelled one")
        has_state(error, "25P02")
        await items.storage.rollback()
        await _still_works(items)


@check(feature="cancellation")
async def G7_a_cancelled_connect_leaves_nothing(harness: StorageHarness) -> None:
    """Connect and disconnect, cancelled anywhere, can be called again and work."""
    storage = harness.make()

    async def back_again(outcome: CancellationOutcome) -> None:
        _told("connect or disconnect", outcome)
        await storage.connect()
        equal(await storage.execute("SELECT 1 AS n"), [{"n": 1}])
        await storage.disconnect()

    await every_cancellation(storage.connect, after=back_again)

    async def reconnected(outcome: CancellationOutcome) -> None:
        await back_again(outcome)
        await storage.connect()

    await storage.connect()
    await every_cancellation(storage.disconnect, after=reconnected)
    await storage.disconnect()


async def _held(items: Items, number: int, inside: asyncio.Event, go: asyncio.Event) -> None:
    async with items.storage.transaction():
        await items.add(number)
        inside.set()
        await go.wait()


async def _passes_on(items: Items, start: Callable[[Any], asyncio.Task[Any]]) -> None:
    """Cancel who waits first, in the moment in which the holder leaves it the place."""
    inside, go = asyncio.Event(), asyncio.Event()
    holder = start(_held(items, 8, inside, go))
    await inside.wait()
    first = start(_held(items, 9, asyncio.Event(), asyncio.Event()))
    second = start(items.add(1))
    await turns()
    holder.add_done_callback(lambda _: first.cancel())
    go.set()
    await raises(asyncio.CancelledError, lambda: first, "the first that waited")
    _, still = await asyncio.wait({second}, timeout=PATIENT)
    assert not still, "the place was lost with the one who was cancelled"
    await second


@check(feature="cancellation")
async def G7_a_cancelled_place_goes_to_the_next(harness: StorageHarness) -> None:
    """Who is cancelled in the moment of getting a connection leaves it to who waits behind."""
    async with items_of(harness) as items:
        await _passes_on(items, apart)
        await items.holds([1, 8])


@check(feature="joined_tasks")
async def S9_a_cancelled_turn_goes_to_the_next(harness: StorageHarness) -> None:
    """Inside a transaction, too."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await _passes_on(items, beside)
        await items.storage.commit()
        await items.holds([1, 8])


@check(feature="joined_tasks")
async def S9_a_cancelled_block_of_a_child_is_undone_alone(harness: StorageHarness) -> None:
    """The transaction around it goes on."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        inside = asyncio.Event()
        child = beside(_held(items, 9, inside, asyncio.Event()))
        await inside.wait()
        child.cancel()
        await raises(asyncio.CancelledError, lambda: child, "the block")

        with deadline(1):
            await items.add(1)

        await items.storage.commit()
        await items.holds([1])
