"""S7: transactions without a handle, and savepoints inside them."""

from __future__ import annotations

from ...interfaces import IntegrityError, OperationError, TransactionError, ValidationError
from .._check import check
from .._expect import apart, equal, has_state, raises
from .._harness import StorageHarness
from ._items import Items, items_of

__all__ = [
    "S7_a_failed_savepoint_is_rolled_back_alone",
    "S7_a_failed_statement_aborts_the_transaction",
    "S7_a_refused_argument_aborts_nothing",
    "S7_a_savepoint_ends_with_its_transaction",
    "S7_commit_keeps",
    "S7_commit_of_an_aborted_one_rolls_back_and_raises",
    "S7_commit_or_rollback_without_begin_is_refused",
    "S7_disconnect_rolls_back",
    "S7_nobody_sees_what_is_not_committed",
    "S7_rollback_undoes",
    "S7_savepoints_nest",
    "S7_second_begin_is_a_savepoint",
    "S7_tables_are_transactional",
]


@check()
async def S7_commit_keeps(harness: StorageHarness) -> None:
    """What was written inside is there afterwards, for everybody."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)
        await items.many("INSERT INTO items (id) VALUES ($1)", [[2], [3]])
        await items.holds([1, 2, 3], "a transaction does not see its own writes")
        await items.storage.commit()
        await items.add(4)

    async with harness.make() as other:
        await items.by(other).holds([1, 2, 3, 4])


@check()
async def S7_rollback_undoes(harness: StorageHarness) -> None:
    """Everything since begin, and nothing before it; then statements commit by themselves."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.run("DELETE FROM items")
        await items.many("INSERT INTO items (id) VALUES ($1)", [[2], [3]])
        await items.storage.rollback()
        await items.holds([1])
        await items.add(4)

    async with harness.make() as other:
        await items.by(other).holds([1, 4])


@check()
async def S7_commit_or_rollback_without_begin_is_refused(harness: StorageHarness) -> None:
    """Also a second one: TransactionError."""
    async with items_of(harness) as items:
        storage = items.storage

        for _ in range(2):
            await raises(TransactionError, storage.commit, "commit without begin")
            await raises(TransactionError, storage.rollback, "rollback without begin")
            await storage.begin_transaction()
            await storage.commit()


async def _abort(items: Items) -> None:
    """Make a statement of the open transaction fail at the server."""
    await items.fails(IntegrityError, "INSERT INTO items (id) VALUES (1)")


@check()
async def S7_a_failed_statement_aborts_the_transaction(harness: StorageHarness) -> None:
    """Until rollback every statement raises TransactionError with 25P02."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)
        await _abort(items)

        for call in (
            items.ids,
            lambda: items.add(3),
            lambda: items.many("INSERT INTO items (id) VALUES ($1)", [[4]]),
        ):
            error = await raises(TransactionError, call, "a statement after the failure")
            has_state(error, "25P02")

        await items.storage.rollback()
        await items.holds([1])


@check()
async def S7_commit_of_an_aborted_one_rolls_back_and_raises(harness: StorageHarness) -> None:
    """It is over then: nothing of it stays."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)
        await _abort(items)
        await raises(TransactionError, items.storage.commit, "commit of an aborted transaction")
        await items.holds([1])
        await raises(TransactionError, items.storage.rollback, "a rollback after it")


@check()
async def S7_a_refused_argument_aborts_nothing(harness: StorageHarness) -> None:
    """A ValidationError was found before execution: the transaction goes on."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)
        await items.fails(ValidationError, "SELECT id FROM items", [1])
        await items.add(2)
        await items.storage.commit()
        await items.holds([1, 2])


@check()
async def S7_disconnect_rolls_back(harness: StorageHarness) -> None:
    """An open transaction is not committed by leaving."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)

    async with harness.make() as other:
        await items.by(other).holds([1])
        await items.by(other).add(3)


@check(feature="transactional_ddl")
async def S7_tables_are_transactional(harness: StorageHarness) -> None:
    """A rollback undoes a created table, too."""
    async with items_of(harness) as items:
        made = Items(items.storage, items.name + "_made")
        await items.storage.begin_transaction()
        await items.storage.create_table(made.name, {"id": "BIGINT PRIMARY KEY", "name": "TEXT"})
        await made.add(1)
        await items.storage.rollback()
        error = await raises(OperationError, made.ids, "the table that was rolled back")
        has_state(error, "42P01")


@check(feature="isolation")
async def S7_nobody_sees_what_is_not_committed(harness: StorageHarness) -> None:
    """Neither another task of the same instance nor another instance."""
    async with items_of(harness) as items, harness.make() as other:
        await items.storage.begin_transaction()
        await items.add(1)
        assert await apart(items.ids()) == [], "another task sees it"
        await items.by(other).holds([], "another instance sees it")
        await items.storage.commit()
        equal(await apart(items.ids()), [1])
        await items.by(other).holds([1])


@check(feature="savepoints")
async def S7_second_begin_is_a_savepoint(harness: StorageHarness) -> None:
    """Its rollback undoes what came after it, and no more."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)
        await items.storage.rollback()
        await items.add(3)
        await items.storage.commit()
        await items.holds([1, 3])
        await raises(TransactionError, items.storage.commit, "a commit too many")


@check(feature="savepoints")
async def S7_a_savepoint_ends_with_its_transaction(harness: StorageHarness) -> None:
    """Its commit is undone by the rollback of the transaction."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.storage.begin_transaction()
        await items.add(1)
        await items.storage.commit()
        await items.holds([1])
        await items.storage.rollback()
        await items.holds([])


@check(feature="savepoints")
async def S7_savepoints_nest(harness: StorageHarness) -> None:
    """As deep as one likes; each end is that of the innermost."""
    async with items_of(harness) as items:
        for number in range(5):
            await items.storage.begin_transaction()
            await items.add(number)

        for number in range(5):
            await (items.storage.commit() if number % 2 else items.storage.rollback())

        # The last to end was the transaction itself, by a rollback.
        await items.holds([])

        for number in range(5):
            await items.storage.begin_transaction()
            await items.add(number)

        for end in ("rollback", "commit", "rollback", "commit", "commit"):
            await getattr(items.storage, end)()

        await items.holds([0, 1])


@check(feature="savepoints")
async def S7_a_failed_savepoint_is_rolled_back_alone(harness: StorageHarness) -> None:
    """The transaction around it goes on; the commit of a failed one raises and rolls it back."""
    async with items_of(harness) as items:
        await items.add(1)
        await items.storage.begin_transaction()
        await items.add(2)

        for end in ("rollback", "commit"):
            await items.storage.begin_transaction()
            await items.add(3)
            await _abort(items)
            error = await raises(TransactionError, items.ids, "a statement after the failure")
            has_state(error, "25P02")

            if end == "commit":
                await raises(TransactionError, items.storage.commit, "commit of a failed one")
            else:
                await items.storage.rollback()

            await items.holds([1, 2], f"after {end}")

        await items.storage.commit()
        await items.holds([1, 2])
