"""Rows as they come: however a stream ends, its connection is used again, and nothing stays open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from infrastructure import deadline
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import (
    ConnectionError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.storage.postgres._connection import Connection
from infrastructure.testing import ChaosProxy

from ...faults._timing import SLACK, within
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter, pool_of, sleeps

NUMBERS = "SELECT n FROM generate_series(1, $1::int) n"
COUNTED = "SELECT n, nextval('s') FROM generate_series(1, $1::int) n"


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with one connection for all who want it to themselves."""
    alter(postgres_database, "CREATE TABLE t (id int, v int)", "INSERT INTO t VALUES (1, 7)")

    async with PostgresStorage(
        postgres_database.url, max_connections=1, pipelining=False, deadline=2
    ) as opened:
        yield opened


def held(storage: PostgresStorage) -> Connection:
    """Return the one connection, which is in use."""
    [connection] = pool_of(storage)._leased
    return connection


async def is_quiet(storage: PostgresStorage) -> bool:
    """Return whether the one connection is back, as it was."""
    await until(lambda: len(pool_of(storage)._idle) == 1)
    [row] = await storage.execute("SELECT count(*)::int AS n FROM pg_cursors WHERE name <> ''")
    return bool(row["n"] == 0 and not pool_of(storage)._idle[0].in_transaction)


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
async def test_every_row_once(storage: PostgresStorage, count: int) -> None:
    """Outside a transaction and inside one, whatever the size of the batches."""
    expected = list(range(1, count + 1))
    assert [row["n"] async for row in storage.stream(NUMBERS, [count], 10)] == expected
    assert await is_quiet(storage)

    async with storage.transaction():
        assert [row["n"] async for row in storage.stream(NUMBERS, [count], 10)] == expected
        [row] = await storage.execute("SELECT count(*)::int AS n FROM pg_cursors WHERE name <> ''")
        assert row["n"] == 0


async def test_what_a_cursor_cannot_be_declared_for(storage: PostgresStorage) -> None:
    """Comes in one batch, or none."""
    assert [row async for row in storage.stream("SHOW application_name")] == [
        {"application_name": "infrastructure"}
    ]
    rows = [row async for row in storage.stream("EXPLAIN SELECT 1")]
    assert rows
    assert await is_quiet(storage)


async def test_left_early(storage: PostgresStorage) -> None:
    """By a break, and by an error of its reader's."""
    async with aclosing(storage.stream(NUMBERS, [100], 10)) as rows:
        async for _ in rows:
            break

    assert await is_quiet(storage)

    with pytest.raises(ZeroDivisionError):
        async with aclosing(storage.stream(NUMBERS, [100], 10)) as rows:
            async for _ in rows:
                raise ZeroDivisionError

    assert await is_quiet(storage)


async def test_left_early_in_a_transaction(storage: PostgresStorage) -> None:
    """The transaction goes on; its cursor is closed."""
    async with storage.transaction():
        async with aclosing(storage.stream(NUMBERS, [100], 10)) as rows:
            async for _ in rows:
                break

        [row] = await storage.execute("SELECT count(*)::int AS n FROM pg_cursors WHERE name <> ''")
        assert row["n"] == 0


async def test_left_after_its_transaction(storage: PostgresStorage) -> None:
    """There is nothing to close any more."""
    rows = storage.stream(NUMBERS, [100], 10)

    async with storage.transaction():
        await anext(rows)

    await rows.aclose()
    rows = storage.stream(NUMBERS, [100], 10)

    with pytest.raises(OperationError):
        async with storage.transaction():
            await anext(rows)
            await storage.execute("SELECT 1 / 0")

    await rows.aclose()
    assert await is_quiet(storage)


async def test_cancelled(postgres_database: PostgresEndpoint, storage: PostgresStorage) -> None:
    """While the server works on a batch."""

    async def read() -> None:
        async for _ in storage.stream("SELECT pg_sleep(60)"):
            pass

    reading = asyncio.ensure_future(read())

    with postgres_database.counters() as counters:
        await until(lambda: sleeps(counters))

    reading.cancel()
    await asyncio.wait({reading})
    assert reading.cancelled()
    assert await is_quiet(storage)


async def test_each_step_has_a_deadline_of_its_own(storage: PostgresStorage) -> None:
    """Many that are fast enough may take long; one that is not ends it."""
    watch = Stopwatch()
    slow = "SELECT n, pg_sleep(0.3) FROM generate_series(1, 8) n"
    assert len([row async for row in storage.stream(slow, None, 1)]) == 8
    assert watch.passed > 2

    with within(2 + SLACK), pytest.raises(TimeoutError, match="passed before the server answered"):
        async for _ in storage.stream("SELECT pg_sleep(60)"):
            pass

    assert await is_quiet(storage)


async def test_an_error_in_the_middle(storage: PostgresStorage) -> None:
    """Comes when its row does."""
    rows: list[Any] = []

    with pytest.raises(OperationError) as caught:
        async for row in storage.stream(
            "SELECT 6 / (3 - n) AS q FROM generate_series(1, 5) n", None, 1
        ):
            rows.append(row["q"])  # noqa: PERF401 - those before the error count

    assert caught.value.sqlstate == "22012"
    assert rows == [3, 6]
    assert await is_quiet(storage)


async def test_one_page_ahead(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """The server works on the next one while a page is read, and on no other; in no transaction."""
    alter(postgres_database, "CREATE SEQUENCE s")

    def asked() -> int:
        return int(postgres_database.ask("SELECT last_value FROM s"))

    async with aclosing(storage.stream(COUNTED, [100], 10)) as rows:
        assert (await anext(rows))["n"] == 1
        await until(lambda: asked() == 20)
        assert [(await anext(rows))["n"] for _ in range(9)] == list(range(2, 11))
        assert asked() == 20
        assert (await anext(rows))["n"] == 11
        await until(lambda: asked() == 30)

    async with storage.transaction(), aclosing(storage.stream(COUNTED, [100], 10)) as rows:
        before = asked()
        await anext(rows)
        await storage.execute("SELECT 1")
        assert asked() == before + 10


async def test_an_error_of_the_page_ahead(storage: PostgresStorage) -> None:
    """Comes after the rows of the page before, and not at all where they are not read."""
    query = "SELECT 10 / (11 - n) AS q FROM generate_series(1, 30) n"
    rows = storage.stream(query, None, 10)
    assert len([await anext(rows) for _ in range(10)]) == 10
    await until(lambda: not held(storage).unanswered)

    with pytest.raises(OperationError) as caught:
        await anext(rows)

    assert caught.value.sqlstate == "22012"
    assert await is_quiet(storage)

    async with aclosing(storage.stream(query, None, 10)) as rows:
        assert [(await anext(rows))["q"] for _ in range(10)][-1] == 10

    assert await is_quiet(storage)


async def test_left_while_the_server_works_on_the_page_ahead(storage: PostgresStorage) -> None:
    """It is cancelled: the connection is free at once, and no answer of it comes to anybody else."""
    query = "SELECT n, CASE WHEN n > 2 THEN pg_sleep(60) END FROM generate_series(1, 9) n"

    async with aclosing(storage.stream(query, None, 2)) as rows:
        await anext(rows)
        connection = held(storage)
        assert connection.unanswered

    assert await is_quiet(storage)
    assert await storage.execute("SELECT 5 AS n") == [{"n": 5}]
    assert pool_of(storage)._idle == [connection]


async def test_who_reads_slowly_has_the_whole_deadline(storage: PostgresStorage) -> None:
    """It counts from when the next row is asked for, not from when its page was."""
    query = "SELECT n, pg_sleep(CASE WHEN n = 3 THEN 0.9 ELSE 0 END) FROM generate_series(1, 4) n"
    found = []

    async for row in storage.stream(query, None, 2):
        found.append(row["n"])

        if row["n"] == 2:
            with deadline(0.5):
                await asyncio.sleep(0.4)

    assert found == [1, 2, 3, 4]
    rows = storage.stream("SELECT n, pg_sleep(n - 1) FROM generate_series(1, 4) n", None, 1)
    await anext(rows)
    watch = Stopwatch()

    with within(0.2 + SLACK), pytest.raises(TimeoutError), deadline(0.2):
        await anext(rows)

    assert watch.passed > 0.15
    assert await is_quiet(storage)


async def test_a_connection_that_breaks_under_the_page_ahead(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """What is there is handed out before the error."""
    rows = storage.stream(NUMBERS, [100], 10)
    await anext(rows)
    connection = held(storage)
    number = connection.pgconn.backend_pid
    alter(postgres_database, f"SELECT pg_terminate_backend({number})")
    await until(lambda: not connection.is_open)
    assert [(await anext(rows))["n"] for _ in range(9)] == list(range(2, 11))
    later = []

    with pytest.raises(ConnectionError):
        async for row in rows:
            later.append(row["n"])  # noqa: PERF401 - those before the error count

    # The page ahead came whole, or not at all.
    assert later in ([], list(range(11, 21)))
    assert [row["n"] async for row in storage.stream(NUMBERS, [2])] == [1, 2]


async def test_what_a_function_writes_is_committed(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """When all rows were read; not when it was left early."""
    alter(
        postgres_database,
        "CREATE FUNCTION w(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (n) RETURNING id'",
    )
    query = "SELECT w(n) AS n FROM generate_series(10, 12) n"

    async with aclosing(storage.stream(query, None, 1)) as rows:
        await anext(rows)

    assert len(await storage.execute("SELECT id FROM t")) == 1
    assert [row["n"] async for row in storage.stream(query, None, 1)] == [10, 11, 12]
    assert len(await storage.execute("SELECT id FROM t")) == 4


async def test_a_column_that_has_changed(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Its rows are read as they are by now."""
    query = "SELECT * FROM t"
    assert [row async for row in storage.stream(query)] == [{"id": 1, "v": 7}]
    alter(postgres_database, "ALTER TABLE t ALTER v TYPE bigint USING 1099511627776")
    assert [row async for row in storage.stream(query)] == [{"id": 1, "v": 2**40}]
    assert [row async for row in storage.stream(query)] == [{"id": 1, "v": 2**40}]


async def test_a_connection_that_breaks(postgres_database: PostgresEndpoint) -> None:
    """Between two batches, and where the server takes no writes any more."""
    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=2) as storage:
            rows = storage.stream(NUMBERS, [100], 10)
            await anext(rows)
            proxy.cut()

            with pytest.raises(ConnectionError):
                [row async for row in rows]

            assert [row["n"] async for row in storage.stream(NUMBERS, [2])] == [1, 2]


@pytest.mark.parametrize("size", [0, -1, True, 1.0, "1"])
async def test_what_is_no_size(storage: PostgresStorage, size: Any) -> None:
    """Is refused before anything is sent."""
    with pytest.raises(ValidationError, match="batch_size"):
        await anext(storage.stream("SELECT 1", None, size))


async def test_what_writes_is_no_stream(storage: PostgresStorage) -> None:
    """execute() is for it."""
    with pytest.raises(ValidationError, match=r"execute\(\)"):
        await anext(storage.stream("DELETE FROM t RETURNING id"))
