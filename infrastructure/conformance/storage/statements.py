"""S4: which statements ``execute`` refuses, and which run inside a transaction only."""

from __future__ import annotations

from ...interfaces import OperationError, TransactionError, ValidationError
from .._check import check
from .._expect import equal, has_state, raises
from .._harness import StorageHarness
from ._items import Items, items_of, unique

__all__ = [
    "S4_a_refused_statement_fails_no_transaction",
    "S4_copy_names_the_methods",
    "S4_listen_names_its_method",
    "S4_session_commands_run_inside_a_transaction",
    "S4_session_commands_show_the_block_outside",
    "S4_transaction_control_names_the_method",
    "S4_vacuum_runs_outside_a_transaction_only",
]

_CONTROL = {
    "BEGIN": "begin_transaction",
    "start transaction": "begin_transaction",
    "/* now */ COMMIT": "commit",
    "END;": "commit",
    "ROLLBACK": "rollback",
    "ABORT": "rollback",
    "ROLLBACK TO SAVEPOINT a": "rollback",
    "SAVEPOINT a": "begin_transaction",
    "RELEASE SAVEPOINT a": "commit",
    "PREPARE TRANSACTION 'a'": "commit",
}


async def _refuses_control(items: Items) -> None:
    for text, method in _CONTROL.items():
        error = await items.fails(ValidationError, text)
        assert f"{method}()" in str(error), f"{text} does not name {method}(): {error}"


@check(feature="statement_control")
async def S4_transaction_control_names_the_method(harness: StorageHarness) -> None:
    """BEGIN, COMMIT, SAVEPOINT and their kin: ValidationError that says what to call."""
    async with items_of(harness) as items:
        await _refuses_control(items)


@check(feature="statement_control")
async def S4_a_refused_statement_fails_no_transaction(harness: StorageHarness) -> None:
    """Inside one they are refused just so, and it goes on."""
    async with items_of(harness) as items:
        await items.storage.begin_transaction()
        await items.add(1)
        await _refuses_control(items)
        await items.storage.commit()
        await items.holds([1])


@check(feature="statement_control")
async def S4_listen_names_its_method(harness: StorageHarness) -> None:
    """A connection that listens cannot be one of a pool."""
    async with items_of(harness) as items:
        error = await items.fails(ValidationError, "LISTEN items")
        assert "listen()" in str(error), f"got {error}"


@check(feature="statement_control")
async def S4_copy_names_the_methods(harness: StorageHarness) -> None:
    """COPY from the client is execute_many, to it stream."""
    async with items_of(harness) as items:
        for text in ("COPY items FROM STDIN", "COPY (SELECT 1) TO STDOUT"):
            error = await items.fails(ValidationError, text)
            assert "execute_many" in str(error), f"{error}"
            assert "stream" in str(error), f"{error}"


@check(feature="session_commands")
async def S4_session_commands_show_the_block_outside(harness: StorageHarness) -> None:
    """The next statement may run on another connection: TransactionError, nothing done."""
    async with items_of(harness) as items:
        for text in ("CREATE TEMPORARY TABLE a_temporary (id BIGINT)", "DISCARD TEMP"):
            error = await items.fails(TransactionError, text)
            assert "async with storage.transaction():" in str(error), f"{text}: {error}"
            equal(error.outcome, "not_applied")


@check(feature="session_commands")
async def S4_session_commands_run_inside_a_transaction(harness: StorageHarness) -> None:
    """A temporary table lives in its transaction, and is gone for who comes after."""
    async with items_of(harness) as items:
        temporary = Items(items.storage, unique("temporary"))
        await items.storage.begin_transaction()
        await temporary.run("CREATE TEMPORARY TABLE items (id BIGINT)")
        await temporary.run("INSERT INTO items (id) VALUES (1)")
        await temporary.holds([1])
        await items.storage.commit()

        # Outside, and in a transaction, which has a connection that writes.
        for inside in (False, True):
            if inside:
                await items.storage.begin_transaction()

            error = await raises(OperationError, temporary.ids, "the temporary table afterwards")
            has_state(error, "42P01")

        await items.storage.rollback()
        await items.add(2)
        await items.holds([2])


@check(feature="statement_control")
async def S4_vacuum_runs_outside_a_transaction_only(harness: StorageHarness) -> None:
    """Outside as usual; inside TransactionError before anything is sent, and the rest goes on."""
    async with items_of(harness) as items:
        equal(await items.run("VACUUM"), [])
        await items.storage.begin_transaction()
        await items.add(1)
        await items.fails(TransactionError, "VACUUM")
        await items.storage.commit()
        await items.holds([1])
