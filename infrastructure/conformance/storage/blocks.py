"""S15, G4 and G7: ``async with storage.transaction():`` and ``detached()``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from ...interfaces import (
    ConfigurationError,
    ConnectionError,
    IntegrityError,
    TimeoutError,
    TransactionError,
    deadline,
)
from .._check import check
from .._expect import apart, beside, raises
from .._harness import StorageHarness
from ._items import Items, items_of

__all__ = [
    "G4_a_block_names_itself_when_not_connected",
    "G7_a_cancelled_block_rolls_back",
    "S10_a_wait_for_the_writer_names_its_holder",
    "S10_another_connection_for_the_holder_is_refused",
    "S15_a_block_commits_at_its_end",
    "S15_a_block_inside_a_transaction_is_a_savepoint",
    "S15_a_block_rolls_back_on_an_error",
    "S15_a_failed_statement_that_was_caught_fails_the_block",
    "S15_detached_is_missing_here",
    "S15_detached_is_outside",
    "S15_detached_leaves_with_what_it_began",
]


@check(feature="blocks")
async def S15_a_block_commits_at_its_end(harness: StorageHarness) -> None:
    """What it wrote is there for everybody."""
    async with items_of(harness) as items:
        async with items.storage.transaction():
            await items.add(1)
            await items.many("INSERT INTO items (id) VALUES ($1)", [[2]])

        await raises(TransactionError, items.storage.commit, "a commit after the block")

    async with harness.make() as other:
        await items.by(other).holds([1, 2])


@check(feature="blocks")
async def S15_a_block_rolls_back_on_an_error(harness: StorageHarness) -> None:
    """The body's error comes out as it is."""
    async with items_of(harness) as items:

        async def body() -> None:
            async with items.storage.transaction():
                await items.add(1)
                raise LookupError("the body's own")

        await raises(LookupError, body, "the block")
        await items.holds([])
        await items.add(2)
        await items.holds([2])


@check(feature="blocks")
async def G4_a_block_names_itself_when_not_connected(harness: StorageHarness) -> None:
    """Entered before connect or after disconnect: ConnectionError that names transaction()."""
    storage = harness.make()

    for when in ("before connect", "after disconnect"):
        error = await raises(ConnectionError, storage.transaction().__aenter__, f"a block {when}")
        assert "transaction" in str(error), f"a block {when} is not named: {error}"
        await storage.connect()
        await storage.disconnect()


@check(feature="savepoints")
async def S15_a_block_inside_a_transaction_is_a_savepoint(harness: StorageHarness) -> None:
    """Its error undoes it alone, when the caller catches it; flat and block nest in each other."""
    async with items_of(harness) as items:

        async def inner(number: int) -> None:
            async with items.storage.transaction():
                await items.add(number)
                raise LookupError("the body's own")

        async with items.storage.transaction():
            await items.add(1)
            await raises(LookupError, lambda: inner(2), "the inner block")
            await items.storage.begin_transaction()
            await items.add(3)
            await items.storage.rollback()

            async with items.storage.transaction():
                await items.add(4)

        await items.holds([1, 4])


@check(feature="blocks")
async def S15_a_failed_statement_that_was_caught_fails_the_block(harness: StorageHarness) -> None:
    """Its end cannot commit: it is rolled back and raises TransactionError."""
    async with items_of(harness) as items:
        await items.add(1)

        async def body() -> None:
            async with items.storage.transaction():
                await items.add(2)
                await items.fails(IntegrityError, "INSERT INTO items (id) VALUES (1)")

        await raises(TransactionError, body, "the end of the block")
        await items.holds([1])


@check(feature="cancellation")
async def G7_a_cancelled_block_rolls_back(harness: StorageHarness) -> None:
    """The cancellation passes at once, the connection is free again within a second."""
    async with items_of(harness) as items:
        inside = asyncio.Event()

        async def body() -> None:
            async with items.storage.transaction():
                await items.add(1)
                inside.set()
                await asyncio.Event().wait()

        task = apart(body())
        await inside.wait()
        task.cancel()
        await raises(asyncio.CancelledError, lambda: task, "the block")

        with deadline(1):
            await items.add(2)

        await items.holds([2])


@check(feature="detached")
async def S15_detached_is_outside(harness: StorageHarness) -> None:
    """It sees what is committed only, child tasks too; after it the transaction is there again."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)

        async with items.storage.detached():
            await items.holds([], "detached() is inside the transaction")
            assert await beside(items.ids()) == [], "its child task is inside the transaction"
            await raises(TransactionError, items.storage.commit, "a commit inside detached()")

        await items.holds([1])
        await items.storage.commit()
        await items.holds([1])

        async with items.storage.detached():
            await items.add(2)
            await items.storage.begin_transaction()
            await items.add(3)
            await items.storage.rollback()

        await items.holds([1, 2])


@check(feature="detached", absent="one_writer")
async def S15_detached_leaves_with_what_it_began(harness: StorageHarness) -> None:
    """A transaction inside it, ended or not, keeps nobody outside the transaction around it."""

    async def committed(items: Items) -> None:
        async with items.storage.detached(), items.storage.transaction():
            await items.holds([])

    async def left_open(items: Items) -> None:
        async with items.storage.detached():
            await items.storage.begin_transaction()

    async def refused(items: Items) -> None:
        await raises(TransactionError, lambda: left_open(items), "a begin that stays open")

    async def around(items: Items, inner: Callable[[Items], Awaitable[None]]) -> None:
        async with items.storage.transaction():
            await inner(items)
            await items.add(1)
            raise LookupError("the body's own")

    for inner in (committed, refused):
        async with items_of(harness) as items:
            await raises(LookupError, partial(around, items, inner), "the block around it")
            await items.holds([], "a statement after detached() slipped outside")


@check(absent="detached")
async def S15_detached_is_missing_here(harness: StorageHarness) -> None:
    """ConfigurationError, at the call."""
    async with harness.make() as storage:

        async def call() -> AbstractAsyncContextManager[None]:
            return storage.detached()

        await raises(ConfigurationError, call, "detached()")


@check(feature="one_writer")
async def S10_another_connection_for_the_holder_is_refused(harness: StorageHarness) -> None:
    """A write that waits for the writer which its own task holds: TransactionError at once."""
    async with items_of(harness) as items:
        async with items.storage.transaction():
            await items.add(1)

            async with items.storage.detached():
                await _is_refused_at_once(items)
                # A child of the holder would wait for it as well.
                await beside(_is_refused_at_once(items))

            await items.add(3)

        await items.holds([1, 3])


async def _is_refused_at_once(items: Items) -> None:
    async with asyncio.timeout(1):
        await raises(TransactionError, lambda: items.add(2), "a write beside the own transaction")
        await raises(
            TransactionError, items.storage.transaction().__aenter__, "a transaction beside it"
        )


@check(feature="one_writer")
async def S10_a_wait_for_the_writer_names_its_holder(harness: StorageHarness) -> None:
    """Another task's wait ends by its deadline: TimeoutError that lists who holds it."""
    async with items_of(harness) as items:
        holds, go = asyncio.Event(), asyncio.Event()

        async def holder() -> None:
            async with items.storage.transaction():
                await items.add(1)
                holds.set()
                await go.wait()

        task = apart(holder(), "the one that holds it")
        await holds.wait()

        for call in (lambda: items.add(2), items.storage.begin_transaction):
            async with asyncio.timeout(1):
                with deadline(0.05):
                    error = await raises(TimeoutError, call, "a wait for the writer")

            assert "the one that holds it" in str(error), f"the holder is not named: {error}"
            assert error.retryable, "a wait for a connection may be repeated"
            assert error.outcome == "not_applied", f"outcome={error.outcome!r}"

        go.set()
        await task
        await items.holds([1])
