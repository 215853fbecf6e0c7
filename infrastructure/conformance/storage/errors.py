"""E and G12: which error it is, what its fields say, and what no text shows."""

from __future__ import annotations

import asyncio
import builtins

from ...interfaces import (
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    ValidationError,
    deadline,
)
from .._check import check
from .._expect import equal, has_state, raises
from .._harness import StorageHarness
from ._items import SLOW, items_of

__all__ = [
    "E1_a_refused_argument_was_not_applied",
    "E1_a_refused_statement_has_its_sqlstate",
    "E1_a_timeout_is_the_builtin_one_too",
    "E1_not_connected_is_retryable_and_a_builtin_error",
    "E2_a_constraint_is_an_integrity_error",
    "E2_a_constraint_that_waits_for_the_commit",
    "E2_the_drivers_error_is_the_cause",
    "E3_errors_say_what_was_tried",
    "G12_no_parameter_is_shown",
]

_SECRET = "correct horse battery staple"  # noqa: S105 - what must not be seen

_REFUSED = {
    "SELECT id FROM items_missing": "42P01",
    "SELECT missing FROM items": "42703",
    "SELEC id FROM items": "42601",
    "INSERT INTO items (missing) VALUES (1)": "42703",
    "CREATE TABLE items (id BIGINT)": "42P07",
}


@check()
async def E1_a_refused_statement_has_its_sqlstate(harness: StorageHarness) -> None:
    """OperationError with PostgreSQL's code, on every backend; it is not retryable."""
    async with items_of(harness) as items:
        for text, sqlstate in _REFUSED.items():
            error = await items.fails(OperationError, text)
            has_state(error, sqlstate, text)
            assert error.retryable is False, f"{text}: retryable"


@check()
async def E2_a_constraint_is_an_integrity_error(harness: StorageHarness) -> None:
    """Unique 23505, not null 23502, check 23514."""
    async with items_of(harness, {"id": "BIGINT PRIMARY KEY", "name": "TEXT NOT NULL"}) as items:
        await items.add(1)

        for params, sqlstate in (([1, "again"], "23505"), ([2, None], "23502")):
            insert = "INSERT INTO items (id, name) VALUES ($1, $2)"
            error = await items.fails(IntegrityError, insert, params)
            has_state(error, sqlstate, params)
            assert isinstance(error, OperationError), f"got {error!r}"

        made = items.name + "_checked"
        await items.storage.execute(f'CREATE TABLE "{made}" (id BIGINT CHECK (id > 0))')
        error = await raises(
            IntegrityError,
            lambda: items.storage.execute(f'INSERT INTO "{made}" VALUES (-1)'),  # noqa: S608
            "a failed CHECK",
        )
        has_state(error, "23514")


@check(feature="deferred_constraints")
async def E2_a_constraint_that_waits_for_the_commit(harness: StorageHarness) -> None:
    """Fails its own statement, however often it was right before; those beside it are done."""
    async with items_of(harness) as items:
        await items.add(1)
        child = items.name + "_child"
        refers = f'REFERENCES "{items.name}" (id) DEFERRABLE INITIALLY DEFERRED'
        await items.storage.execute(f'CREATE TABLE "{child}" (id BIGINT {refers})')
        insert = f'INSERT INTO "{child}" (id) VALUES ($1)'  # noqa: S608 - names of our own

        for _ in range(5):
            await items.storage.execute(insert, [1])

        calls = [items.storage.execute(insert, [parent]) for parent in (1, 7, 1)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert (found[0], found[2]) == ([], []), f"those that are right: {found}"
        assert isinstance(found[1], IntegrityError), f"a missing parent gives {found[1]!r}"
        has_state(found[1], "23503")
        [row] = await items.storage.execute(f'SELECT count(*) AS n FROM "{child}"')  # noqa: S608
        equal(row["n"], 7)


@check()
async def E1_a_refused_argument_was_not_applied(harness: StorageHarness) -> None:
    """ValidationError: ``outcome`` is not_applied, it is not retryable."""
    async with items_of(harness) as items:
        error = await items.fails(ValidationError, "SELECT id FROM items WHERE id = $1", [])
        assert isinstance(error, InfrastructureError), f"got {error!r}"
        equal(error.outcome, "not_applied")
        assert error.retryable is False, "it is not False"


@check()
async def E1_not_connected_is_retryable_and_a_builtin_error(harness: StorageHarness) -> None:
    """``except OSError`` and ``except builtins.ConnectionError`` catch ours."""
    storage = harness.make()
    error = await raises(ConnectionError, lambda: storage.execute("SELECT 1 AS n"), "execute")
    assert isinstance(error, builtins.ConnectionError), f"got {error!r}"
    assert isinstance(error, InfrastructureError), f"got {error!r}"
    assert error.retryable is True, "it is not True"


@check(feature="deadlines")
async def E1_a_timeout_is_the_builtin_one_too(harness: StorageHarness) -> None:
    """``except builtins.TimeoutError`` catches ours; a statement that ran too long is not retryable."""
    async with items_of(harness) as items:
        with deadline(0.05):
            error = await raises(TimeoutError, lambda: items.run(SLOW), "a slow statement")

        assert isinstance(error, builtins.TimeoutError), f"got {error!r}"
        assert error.retryable is False, "a statement that ran too long"


@check()
async def E3_errors_say_what_was_tried(harness: StorageHarness) -> None:
    """The text of a refused statement shows what it was about."""
    async with items_of(harness) as items:
        await items.add(1)
        missing = await items.fails(OperationError, "SELECT id FROM items_missing")
        twice = await items.fails(IntegrityError, "INSERT INTO items (id) VALUES (1)")
        count = await items.fails(ValidationError, "SELECT id FROM items", [1])

    for error in (missing, twice, count):
        assert len(str(error).split()) >= 4, f"{type(error).__name__} says {str(error)!r} only"

    assert items.name in str(missing), f"the table is not named: {missing}"


@check(feature="driver_errors")
async def E2_the_drivers_error_is_the_cause(harness: StorageHarness) -> None:
    """What came back from the driver is ``__cause__``, for those who look."""
    async with items_of(harness) as items:
        await items.add(1)

        for text in ("SELECT id FROM items_missing", "INSERT INTO items (id) VALUES (1)"):
            error = await items.fails(OperationError, text)
            assert error.__cause__ is not None, f"{text}: the cause is lost"
            assert not isinstance(error.__cause__, InfrastructureError), f"{error.__cause__!r}"


@check(feature="secrets")
async def G12_no_parameter_is_shown(harness: StorageHarness) -> None:
    """Neither repr nor the text of a server's error shows what was written."""
    async with items_of(harness, {"id": "BIGINT", "name": "TEXT PRIMARY KEY"}) as items:
        insert = "INSERT INTO items (id, name) VALUES ($1, $2)"
        await items.run(insert, [1, _SECRET])
        shown = [repr(items.storage)]

        for error in (
            await items.fails(IntegrityError, insert, [2, _SECRET]),
            await items.many_fails(IntegrityError, insert, [[2, _SECRET]]),
        ):
            shown += [str(error), repr(error)]

        for text in shown:
            assert _SECRET not in text, f"a parameter is shown: {text}"
