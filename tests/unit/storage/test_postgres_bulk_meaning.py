"""``execute_many`` leaves on PostgreSQL what single INSERTs leave, whatever the table does with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infrastructure.interfaces.exceptions import ValidationError

from ...servers.postgres_endpoint import PostgresEndpoint
from .bulk_outcomes import NOT_PREPARED, Outcome, outcome
from .bulk_tables import CASES, UPSERTS, Case


@pytest.fixture(scope="module")
def database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """One database for all cases: each makes its tables anew."""
    with postgres.database() as made:
        yield made


CLEAN = """
DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP FOREIGN DATA WRAPPER IF EXISTS w CASCADE
"""


async def of(database: PostgresEndpoint, case: Case, bulk: str) -> Outcome:
    return await outcome(database, case, bulk, clean=CLEAN, path="public")


ALL = CASES | UPSERTS


@pytest.mark.parametrize("case", ALL.values(), ids=[*ALL])
async def test_the_same_rows_are_left_as_by_single_inserts(
    database: PostgresEndpoint, case: Case
) -> None:
    """The same rows and side effects, or the same error; bulk="copy" says where it cannot."""
    single = await of(database, case, "singly")

    for bulk in ("auto", "values", *(["copy"] if case.copies else [])):
        found = await of(database, case, bulk)
        assert found.rows == single.rows, bulk
        assert found.kind == single.kind, bulk
        assert found.row_index in (None, single.row_index), bulk


REFUSED = {name: case for name, case in ALL.items() if not case.copies}


@pytest.mark.parametrize("case", REFUSED.values(), ids=[*REFUSED])
async def test_copy_is_refused_where_it_would_mean_something_else(
    database: PostgresEndpoint, case: Case
) -> None:
    """``bulk="copy"`` raises, and nothing was done."""
    nothing = await of(database, replace(case, rows=[]), "auto")
    found = await of(database, case, "copy")
    assert found.rows == nothing.rows
    assert found.kind is not None
    assert found.kind[0] is ValidationError or found.kind[1] in NOT_PREPARED
