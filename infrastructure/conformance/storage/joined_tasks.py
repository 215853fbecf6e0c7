"""S8 and S9: tasks started inside a transaction, and who may end it."""

from __future__ import annotations

import asyncio
import logging

from ...interfaces import IntegrityError, TimeoutError, TransactionError, deadline
from .._check import check
from .._expect import apart, beside, raises, turns
from .._harness import StorageHarness
from ._items import Items, items_of

__all__ = [
    "S8_a_block_may_end_in_another_task",
    "S8_begin_as_a_task_of_its_own_is_refused",
    "S8_commit_and_rollback_as_tasks_act_for_the_owner",
    "S9_a_child_may_not_begin_commit_or_roll_back",
    "S9_a_child_of_an_ended_transaction_is_refused",
    "S9_a_failure_of_a_child_fails_the_commit",
    "S9_a_task_that_dies_with_its_transaction_is_rolled_back",
    "S9_a_wait_for_the_turn_fails_nothing",
    "S9_child_tasks_join_the_transaction",
    "S9_the_block_of_a_child_has_the_connection_to_itself",
    "S9_the_owner_is_outside_afterwards",
    "S9_the_owner_leaves_a_block_with_what_it_began_inside",
]


@check(feature="joined_tasks")
async def S8_begin_as_a_task_of_its_own_is_refused(harness: StorageHarness) -> None:
    """It would belong to that task: TransactionError that names asyncio.timeout."""
    async with items_of(harness) as items:
        storage = items.storage

        async def gathered() -> None:
            await asyncio.gather(storage.begin_transaction())

        for begin in (gathered, lambda: beside(storage.begin_transaction())):
            error = await raises(TransactionError, begin, "begin_transaction as a task")
            assert "asyncio.timeout" in str(error), f"the way out is not named: {error}"

        await items.add(1)
        await raises(TransactionError, storage.rollback, "a rollback: nothing was begun")


@check(feature="joined_tasks")
async def S8_commit_and_rollback_as_tasks_act_for_the_owner(harness: StorageHarness) -> None:
    """As ``wait_for`` of Python 3.11 runs them."""
    async with items_of(harness) as items:
        for number, end in enumerate(("commit", "rollback")):
            await items.storage.begin_transaction()
            await items.add(number)
            await beside(getattr(items.storage, end)())
            await items.holds([0], f"after {end} in a task")
            await raises(TransactionError, items.storage.commit, "a second end")


@check(feature="joined_tasks")
async def S8_a_block_may_end_in_another_task(harness: StorageHarness) -> None:
    """``transaction()`` holds its transaction: a fixture may enter here and leave there."""
    async with items_of(harness) as items:
        block = items.storage.transaction()
        await block.__aenter__()
        await items.add(1)
        await beside(block.__aexit__(None, None, None))
        await items.add(2)

    async with harness.make() as other:
        await items.by(other).holds([1, 2])


@check(feature="joined_tasks")
async def S9_child_tasks_join_the_transaction(harness: StorageHarness) -> None:
    """gather, a TaskGroup, a task of a task: all of it goes with the rollback."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await asyncio.gather(*(items.add(number) for number in range(10)))

        async with asyncio.TaskGroup() as group:
            group.create_task(_grandchild(items, 10))

        await beside(items.many("INSERT INTO items (id) VALUES ($1)", [[11], [12]]))
        await items.holds(list(range(13)))
        await items.storage.rollback()
        await items.holds([], "a child's statement escaped its transaction")


async def _grandchild(items: Items, number: int) -> None:
    await asyncio.gather(items.add(number))


@check(feature="joined_tasks")
async def S9_a_child_may_not_begin_commit_or_roll_back(harness: StorageHarness) -> None:
    """Flat calls are the owner's: TransactionError, and the transaction goes on."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)

        async def child() -> None:
            storage = items.storage

            for call in (storage.begin_transaction, storage.commit, storage.rollback):
                await raises(TransactionError, call, f"{call.__name__} of a child")

        await beside(child())
        await items.storage.commit()
        await items.holds([1])


@check(feature="joined_tasks")
async def S9_a_child_of_an_ended_transaction_is_refused(harness: StorageHarness) -> None:
    """It never slips outside: TransactionError that names detached(), nothing written."""
    for end in ("commit", "rollback"):
        async with items_of(harness) as items:
            over = asyncio.Event()

            async def child(items: Items = items, over: asyncio.Event = over) -> None:
                await over.wait()
                error = await raises(TransactionError, lambda: items.add(2), "a late child")
                assert "detached()" in str(error), f"the way out is not named: {error}"

            await items.storage.begin_transaction()
            late = beside(child())
            await items.add(1)
            await getattr(items.storage, end)()
            over.set()
            await late
            await items.holds(([1] if end == "commit" else []), f"after {end}")


@check(feature="joined_tasks")
async def S9_a_failure_of_a_child_fails_the_commit(harness: StorageHarness) -> None:
    """The one that was called while the child's statement ran, too."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        child = beside(items.add(1))
        await asyncio.sleep(0)
        await raises(TransactionError, items.storage.commit, "a commit behind a bad statement")
        await raises(IntegrityError, lambda: child, "the child's statement")
        await items.holds([1])


@check(feature="joined_tasks")
async def S9_the_owner_is_outside_afterwards(harness: StorageHarness) -> None:
    """Its next statement commits by itself, and so do those of tasks that it starts then."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.storage.commit()
        await items.add(1)
        await beside(items.add(2))

    async with harness.make() as other:
        await items.by(other).holds([1, 2])


@check(feature="joined_tasks")
async def S9_the_owner_leaves_a_block_with_what_it_began_inside(harness: StorageHarness) -> None:
    """A block that ends rolls an open begin back; tasks started then are outside both."""
    async with items_of(harness) as items:

        async def forgetful() -> None:
            async with items.storage.transaction():
                await items.storage.begin_transaction()
                raise LookupError("the body's own")

        await raises(LookupError, forgetful, "the block")
        await beside(items.add(1))
        await items.storage.begin_transaction()
        await raises(LookupError, forgetful, "the block inside")
        await beside(items.add(2))
        await items.storage.commit()
        await items.holds([1, 2])


@check(feature="joined_tasks")
async def S9_the_block_of_a_child_has_the_connection_to_itself(harness: StorageHarness) -> None:
    """It is a savepoint; the statements of others wait until its exit."""
    async with items_of(harness) as items:
        inside, go = asyncio.Event(), asyncio.Event()

        async def child() -> None:
            async with items.storage.transaction():
                await items.add(1)
                inside.set()
                await go.wait()
                # A task of the block's own need not wait for it.
                await beside(items.add(2))
                raise LookupError("the child's own")

        await items.storage.begin_transaction()
        task = beside(child())
        await inside.wait()
        waiting = beside(items.add(3))
        await turns()
        assert not waiting.done(), "a statement went into the savepoint of another task"
        go.set()
        await raises(LookupError, lambda: task, "the block")
        await waiting
        await items.storage.commit()
        await items.holds([3], "the rollback of the savepoint took another task's row")


@check(feature="joined_tasks")
async def S9_a_wait_for_the_turn_fails_nothing(harness: StorageHarness) -> None:
    """A cancel or time-out before anything was sent leaves the transaction as it was."""
    async with items_of(harness) as items:
        inside, go = asyncio.Event(), asyncio.Event()

        async def child() -> None:
            async with items.storage.transaction():
                inside.set()
                await go.wait()

        await items.storage.begin_transaction()
        task = beside(child())
        await inside.wait()

        for call in (lambda: items.add(1), items.storage.transaction().__aenter__):
            async with asyncio.timeout(1):
                with deadline(0.05):
                    error = await raises(TimeoutError, call, "a wait for the turn")

            assert error.outcome == "not_applied", f"outcome={error.outcome!r}"

        waiting = beside(items.add(2))
        await turns()
        waiting.cancel()
        await raises(asyncio.CancelledError, lambda: waiting, "the cancelled wait")
        go.set()
        await task
        await items.add(3)
        await items.storage.commit()
        await items.holds([3])


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@check(feature="joined_tasks")
async def S9_a_task_that_dies_with_its_transaction_is_rolled_back(harness: StorageHarness) -> None:
    """And a warning is logged; the connection is free again."""
    async with items_of(harness) as items:
        warnings = _Warnings()
        logger = logging.getLogger("infrastructure")
        logger.addHandler(warnings)

        async def careless() -> None:
            await items.storage.begin_transaction()
            await items.add(1)

        try:
            await apart(careless())
            await items.add(2)
        finally:
            logger.removeHandler(warnings)

        await items.holds([2], "the dead task's transaction was not rolled back")
        assert any("transaction" in text for text in warnings.texts), f"logged: {warnings.texts}"
