"""``execute_many`` leaves on PostgreSQL what single INSERTs leave, whatever the table does with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from infrastructure.interfaces.exceptions import InfrastructureError, ValidationError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from .bulk_tables import CASES, UPSERTS, Case


@pytest.fixture(scope="module")
def database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """One database for all cases: each makes its tables anew."""
    with postgres.database() as made:
        yield made


class Outcome:
    """What is there after a call, and what the call said."""

    def __init__(self, rows: list[Any], error: InfrastructureError | None) -> None:
        self.rows = rows
        self.kind = None if error is None else (type(error), error.sqlstate)
        self.row_index = None if error is None else error.row_index

    def __repr__(self) -> str:
        return f"{self.kind} at {self.row_index}, {self.rows}"


async def singly(storage: PostgresStorage, case: Case) -> None:
    """Insert row by row, all or nothing."""
    async with storage.transaction():
        for row_index, row in enumerate(case.rows):
            try:
                await storage.execute(case.insert, row)
            except InfrastructureError as exc:
                exc.row_index = row_index
                raise


async def outcome(database: PostgresEndpoint, case: Case, bulk: str) -> Outcome:
    """Make the tables anew, insert, and look."""
    error = None

    with database.control() as control:
        control.execute("SET synchronous_commit = off")
        control.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        control.execute("DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE")
        control.execute(case.ddl or "SELECT 1")

    async with PostgresStorage(database.url, settings={"synchronous_commit": "off"}) as storage:
        try:
            if bulk == "singly":
                await singly(storage, case)
            else:
                await storage.execute_many(case.insert, iter(case.rows), bulk=bulk)  # type: ignore[arg-type]
        except InfrastructureError as exc:
            error = exc

        return Outcome(await storage.execute(case.look), error)


ALL = CASES | UPSERTS


@pytest.mark.parametrize("case", ALL.values(), ids=[*ALL])
async def test_the_same_rows_are_left_as_by_single_inserts(
    database: PostgresEndpoint, case: Case
) -> None:
    """The same rows and side effects, or the same error; bulk="copy" says where it cannot."""
    single = await outcome(database, case, "singly")

    for bulk in ("auto", "values", *(["copy"] if case.copies else [])):
        found = await outcome(database, case, bulk)
        assert found.rows == single.rows, bulk
        assert found.kind == single.kind, bulk
        assert found.row_index in (None, single.row_index), bulk


NOT_PREPARED = {"42P01", "42703", "428C9"}
"""What the server says of the statement before it hears of rows."""

REFUSED = {name: case for name, case in ALL.items() if not case.copies}


@pytest.mark.parametrize("case", REFUSED.values(), ids=[*REFUSED])
async def test_copy_is_refused_where_it_would_mean_something_else(
    database: PostgresEndpoint, case: Case
) -> None:
    """``bulk="copy"`` raises, and nothing was done."""
    nothing = await outcome(database, replace(case, rows=[]), "auto")
    found = await outcome(database, case, "copy")
    assert found.rows == nothing.rows
    assert found.kind is not None
    assert found.kind[0] is ValidationError or found.kind[1] in NOT_PREPARED
