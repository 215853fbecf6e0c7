"""A few rows on a connection of their own: their statement is prepared once, whatever becomes of them.

With two connections none is shared.
"""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.interfaces.exceptions import IntegrityError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter

INSERT = "INSERT INTO t (a, b) VALUES ($1, $2)"
UPDATE = "UPDATE t SET b = $2 WHERE a = $1"
DELETE = "DELETE FROM t WHERE a = $1 AND b = $2"
DDL = "CREATE TABLE t (a int PRIMARY KEY, b text)"
PREPARED = (
    "SELECT statement, (generic_plans + custom_plans)::int AS runs FROM pg_prepared_statements "
    "WHERE statement NOT LIKE 'SELECT%' ORDER BY 1"
)


def rows(call: int) -> list[list[Any]]:
    """Three rows that are right, others for each call."""
    return [[call * 3 + number, "text"] for number in range(3)]


async def prepared(storage: PostgresStorage) -> dict[str, int]:
    """Return the prepared statements of the connection that the batches go by, and their runs."""
    async with storage.transaction():
        return {row["statement"]: row["runs"] for row in await storage.execute(PREPARED)}


async def test_it_is_prepared_at_its_second_use(postgres_database: PostgresEndpoint) -> None:
    """Once; alone or in a transaction."""
    alter(postgres_database, DDL)

    async with PostgresStorage(postgres_database.url, max_connections=2) as storage:
        await storage.execute_many(INSERT, rows(0))
        assert await prepared(storage) == {}

        for call in range(1, 5):
            await storage.execute_many(INSERT, rows(call))

        async with storage.transaction():
            await storage.execute_many(INSERT, rows(5))

        assert await prepared(storage) == {INSERT: 15}
        assert await storage.execute("SELECT count(*) AS n FROM t") == [{"n": 18}]


async def test_without_names_none_is_kept(postgres_database: PostgresEndpoint) -> None:
    """As behind a pooler."""
    alter(postgres_database, DDL)

    async with PostgresStorage(postgres_database.url, max_connections=2, prepared="off") as storage:
        for call in range(4):
            await storage.execute_many(INSERT, rows(call))

        assert await prepared(storage) == {}


@pytest.mark.parametrize("calls", range(4))
async def test_the_row_of_an_error_is_found(
    postgres_database: PostgresEndpoint, calls: int
) -> None:
    """Whether the batch prepares its statement first, or takes the one that stands."""
    alter(postgres_database, DDL)

    async with PostgresStorage(postgres_database.url, max_connections=2) as storage:
        for call in range(calls):
            await storage.execute_many(INSERT, rows(call))

        for _ in range(2):
            with pytest.raises(IntegrityError) as caught:
                await storage.execute_many(INSERT, [[100, ""], [100, ""]])

            assert caught.value.row_index == 1

        for call in range(calls, 9):
            await storage.execute_many(INSERT, rows(call))

        assert list(await prepared(storage)) == [INSERT]
        assert await storage.execute("SELECT count(*) AS n FROM t") == [{"n": 27}]


async def test_older_ones_are_closed_on_the_way(postgres_database: PostgresEndpoint) -> None:
    """The server keeps no more than it was told; the answers of that are nobody's rows."""
    alter(postgres_database, DDL)

    async with PostgresStorage(
        postgres_database.url, max_connections=2, statement_cache=2
    ) as storage:
        for call in range(4):
            for text in (INSERT, UPDATE, DELETE) * 2:
                given = rows(call) if text is not INSERT else rows(call)[:1]
                await storage.execute_many(text, given)
                assert len(await prepared(storage)) <= 2

            await storage.execute_many(INSERT, rows(call))

            with pytest.raises(IntegrityError) as caught:
                await storage.execute_many(INSERT, [[100, ""], [101, ""], [100, ""]])

            assert caught.value.row_index == 2

        assert await storage.execute("SELECT count(*) AS n FROM t") == [{"n": 12}]
