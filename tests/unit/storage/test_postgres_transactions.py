"""Transactions on PostgreSQL: what was committed is what is said of it, on whatever server, after whatever end."""

from __future__ import annotations

import time

import pytest

from infrastructure.interfaces import (
    ConnectionError,
    OperationError,
    TransactionError,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers import unprivileged
from ...servers.pgbouncer import PgBouncer
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .postgres_shared import WRITE, alter, connection_of, ids, pool_of


@pytest.mark.parametrize(
    "statement", ["SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "CALL commits()"]
)
async def test_a_misuse_that_the_server_refuses_fails_the_transaction(
    postgres_database: PostgresEndpoint, storage: PostgresStorage, statement: str
) -> None:
    """A commit afterwards does not say that it was done."""
    alter(
        postgres_database,
        "CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$",
    )
    await storage.begin_transaction()
    await storage.execute(WRITE, [1])

    with pytest.raises(TransactionError) as caught:
        await storage.execute(statement)

    assert caught.value.sqlstate in ("25001", "2D000")

    with pytest.raises(TransactionError, match="aborted by an earlier failure"):
        await storage.execute(WRITE, [2])

    with pytest.raises(TransactionError, match="it was rolled back"):
        await storage.commit()

    assert await ids(storage) == []


async def test_a_savepoint_undoes_such_a_misuse(storage: PostgresStorage) -> None:
    """The transaction around it goes on."""
    async with storage.transaction():
        await storage.execute(WRITE, [1])
        await storage.begin_transaction()

        with pytest.raises(TransactionError):
            await storage.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")

        await storage.rollback()
        await storage.execute(WRITE, [2])

    assert await ids(storage) == [1, 2]


async def test_a_commit_that_the_server_makes_a_rollback(storage: PostgresStorage) -> None:
    """Is an error, whoever let the statement before it fail."""
    await storage.begin_transaction()
    await storage.execute(WRITE, [1])
    connection = connection_of(storage)

    with pytest.raises(OperationError):
        await connection.simple("SELECT none", time.monotonic() + 1, "test")

    with pytest.raises(TransactionError, match="the server rolled it back") as caught:
        await storage.commit()

    assert (caught.value.sqlstate, caught.value.outcome) == ("25P02", "not_applied")
    assert await ids(storage) == []


@pytest.mark.parametrize("flat", [True, False])
async def test_after_a_transaction_of_a_detached_block(
    storage: PostgresStorage, *, flat: bool
) -> None:
    """The task is in its own transaction again."""

    async def body() -> None:
        async with storage.transaction():
            await storage.execute(WRITE, [1])

            async with storage.detached():
                if flat:
                    await storage.begin_transaction()
                    await storage.execute(WRITE, [2])
                    await storage.commit()
                else:
                    async with storage.transaction():
                        await storage.execute(WRITE, [2])

                await storage.execute(WRITE, [3])

            await storage.execute(WRITE, [4])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await body()

    assert await ids(storage) == [2, 3]


async def test_begin_on_a_connection_that_is_dead(
    behind: PostgresStorage, proxy: ChaosProxy
) -> None:
    """Nothing has happened yet: it begins on another one, unseen; a stream does, too."""
    for _ in range(2):
        proxy.truncate(1, "to_server")

        async with behind.transaction():
            await behind.execute(WRITE, [1])

        assert await ids(behind) == [1]
        proxy.truncate(1, "to_server")
        assert [row["id"] async for row in behind.stream("SELECT id FROM t")] == [1]
        await behind.execute("DELETE FROM t")


async def test_a_connection_that_breaks_in_a_transaction(
    behind: PostgresStorage, proxy: ChaosProxy
) -> None:
    """It cannot be committed any more; a rollback has nothing to do."""
    await behind.begin_transaction()
    await behind.execute(WRITE, [1])
    proxy.cut()

    with pytest.raises(ConnectionError):
        await behind.execute(WRITE, [2])

    with pytest.raises(TransactionError):
        await behind.commit()

    await behind.begin_transaction()
    proxy.cut()
    await behind.rollback()
    assert await ids(behind) == []


READ_BY = """
    SELECT current_setting('TimeZone') AS zone, current_setting('DateStyle') AS dates,
        current_setting('standard_conforming_strings') AS strings, current_setting('client_encoding') AS text
"""


class TestStandby:
    async def test_what_needs_no_write_works(self, private_postgres: PostgresServer) -> None:
        """Also inside a transaction, where a number would be asked for; a write is refused there."""
        alter(private_postgres, "CREATE TABLE t (id int)")
        await private_postgres.stop()
        signal = private_postgres.folder / "data" / "standby.signal"
        signal.touch()
        unprivileged.hand_over(signal)
        await private_postgres.start()

        async with PostgresStorage(private_postgres.url, deadline=5) as storage:
            async with storage.transaction():
                await storage.execute("SET LOCAL work_mem = '1MB'")
                assert await ids(storage) == []

            with pytest.raises(ConnectionError) as caught:
                async with storage.transaction():
                    await storage.execute(WRITE, [1])

            assert caught.value.sqlstate == "25006"
            alter(private_postgres, "SELECT pg_promote()")

            async with storage.transaction():
                await storage.execute(WRITE, [1])
                assert connection_of(storage).number is not None

            assert await ids(storage) == [1]


class TestPooler:
    async def test_what_a_session_was_told_is_undone(self, pgbouncer: PgBouncer) -> None:
        """Before somebody else gets the server's connection; by a commit and by a rollback."""
        with pgbouncer.database() as database:
            name = database.url.rpartition("/")[2].partition("?")[0]
            alter(
                database,
                f"ALTER DATABASE {name} SET timezone TO 'Asia/Tehran'",
                f"ALTER DATABASE {name} SET datestyle TO 'German'",
            )

            async with PostgresStorage(database.url, max_connections=2) as storage:
                usual = await storage.execute("SHOW work_mem")
                read_by = await storage.execute(READ_BY)

                for fails in (False, True):
                    with pytest.raises(ZeroDivisionError):
                        async with storage.transaction():
                            await storage.execute("SET work_mem = '1MB'")
                            await storage.execute("CREATE TEMP TABLE mine (a int)")
                            await storage.execute("SELECT pg_advisory_lock(7)")

                            if fails:
                                raise ZeroDivisionError

                        raise ZeroDivisionError

                    assert pool_of(storage)._idle
                    assert await storage.execute("SHOW work_mem") == usual
                    # The server's own are others.
                    assert await storage.execute(READ_BY) == read_by
                    [row] = await storage.execute("SELECT to_regclass('mine') AS mine")
                    assert row["mine"] is None
                    assert database.ask("SELECT pg_try_advisory_lock(7)")
                    database.ask("SELECT pg_advisory_unlock_all()")

    async def test_a_commit_that_fails_leaves_nothing_behind(self, pgbouncer: PgBouncer) -> None:
        """Its connection is not given to the next one as if it were clean."""
        with pgbouncer.database() as database:
            alter(
                database,
                "CREATE TABLE p (id int PRIMARY KEY)",
                "CREATE TABLE t (id int REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
            )

            async with PostgresStorage(database.url, max_connections=2) as storage:
                [before] = pool_of(storage)._idle

                with pytest.raises(OperationError):
                    async with storage.transaction():
                        await storage.execute("SET work_mem = '1MB'")
                        await storage.execute(WRITE, [1])

                await storage.execute("SELECT 1")
                assert before not in pool_of(storage)._idle
