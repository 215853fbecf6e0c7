"""F22: a server that takes no writes, has no connection left, starts up, or ends a statement or a session."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import (
    ConflictError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing.postgres import PostgresCounters

from ...servers import postgres as embedded
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .._outcomes import ended
from .._timing import HEALED, PATIENT, connected, healed, within
from .._watch import until
from ._storages import CALLS, Make, make_table, warmed

pytestmark = pytest.mark.slow


def _read_only(database: PostgresEndpoint, flag: str) -> None:
    # Else it would be read-only itself.
    with database.control(options="-c default_transaction_read_only=off") as control:
        control.execute(
            f"ALTER DATABASE {database.name} SET default_transaction_read_only = {flag}"  # type: ignore[arg-type] # ours
        )


def _does(counters: PostgresCounters, **what: str) -> bool:
    """Return whether there is a session of which this is true."""
    return any(what.items() <= session.items() for session in counters.sessions())


async def test_F22_a_server_that_takes_no_writes_any_more(
    make: Make, database: PostgresEndpoint
) -> None:
    """25006 where a read-write one was asked for: a failover; the next call looks for another."""
    async with make(deadline=5, target_session_attrs="read-write") as storage:
        await make_table(storage)
        await warmed(storage)
        _read_only(database, "on")

        with database.counters() as counters:
            counters.terminate()

        error = await ended(partial(storage.execute, "UPDATE t SET name = 'x'"), 5)
        assert isinstance(error, ConnectionError), error
        assert error.outcome == "not_applied"
        assert error.retryable

        _read_only(database, "off")

        with within(HEALED):
            await storage.execute("UPDATE t SET name = 'x'")


async def test_F22_a_read_only_database(make: Make, database: PostgresEndpoint) -> None:
    """Nobody asked for a read-write one: an OperationError, and reads work."""
    async with connected(make()) as storage:
        await make_table(storage)
        _read_only(database, "on")

        async with connected(make()) as reader:
            error = await ended(partial(reader.execute, "UPDATE t SET name = 'x'"), 1)
            assert type(error) is OperationError
            assert (error.sqlstate, error.retryable) == ("25006", False)
            assert await reader.execute("SELECT id FROM t") == [{"id": 1}]


async def test_F22_a_session_that_is_ended_in_the_middle(
    make: Make, database: PostgresEndpoint
) -> None:
    """57P01 while a statement runs, alone and in a transaction: told so, and nothing of it stays."""
    async with make(deadline=5) as storage:
        await make_table(storage)

        async def alone() -> None:
            await storage.execute("UPDATE t SET name = 'never' FROM pg_sleep(60)")

        async def inside() -> None:
            async with storage.transaction():
                await storage.execute("UPDATE t SET name = 'never'")
                await storage.execute("SELECT pg_sleep(60)")

        for work in (alone, inside):
            running = asyncio.ensure_future(ended(work, 5))

            with database.counters() as counters:
                await until(lambda: _does(counters, wait_event="PgSleep"), counters.sessions)
                counters.terminate()

            error = await running
            assert isinstance(error, ConnectionError)
            assert error.retryable

            with within(HEALED):
                assert await storage.execute("SELECT name FROM t") == [{"name": "one"}]


async def test_F22_a_server_without_a_connection_left(database: PostgresEndpoint) -> None:
    """53300: with one of its own a storage goes on by that; without, ConnectionError, and back soon."""
    with database.role("CONNECTION LIMIT 1") as role, database.counters() as counters:
        url = database.address(user=role.user, password=role.password)
        other = PostgresStorage(url, deadline=2)

        async with PostgresStorage(url, deadline=2) as storage:
            found = await asyncio.gather(
                *(storage.execute("SELECT $1::bigint AS n", [n]) for n in range(50))
            )
            assert found == [[{"n": n}] for n in range(50)]

            with pytest.raises(ConnectionError) as caught:
                await other.connect()

            assert (caught.value.sqlstate, caught.value.retryable) == ("53300", True)

        await until(lambda: not _does(counters, user=role.user), counters.sessions)

        with within(HEALED):
            async with other:
                assert await other.execute("SELECT 1 AS n") == [{"n": 1}]


async def test_F22_a_server_that_starts_up(private_postgres: PostgresServer) -> None:
    """57P03 or refused until it is ready: every call says so, or has waited, and then it works."""
    async with connected(PostgresStorage(private_postgres.url, deadline=1)) as storage:
        with deadline(PATIENT):
            await storage.execute("CREATE TABLE t (id BIGINT)")
            # So that it has something to read again.
            await storage.execute("INSERT INTO t SELECT n FROM generate_series(1, 200000) n")

        private_postgres.kill()
        starting = asyncio.ensure_future(private_postgres.start())
        seen = set()

        while not starting.done():
            end = await ended(partial(storage.execute, "SELECT 1 AS n"), 1)

            if isinstance(end, InfrastructureError):
                assert isinstance(end, OSError), end
                assert end.outcome == "not_applied"
                assert end.retryable
                seen.add(end.sqlstate)

            await asyncio.sleep(0.002)

        await starting
        assert seen

        with within(HEALED):
            assert await storage.execute("SELECT count(*) AS n FROM t") == [{"n": 200_000}]


async def test_F22_a_deadlock_and_a_serialization_failure(make: Make) -> None:
    """40P01 and 40001: ConflictError, retryable, not applied; the other one is committed."""
    async with make(deadline=10) as storage:
        await storage.execute("CREATE TABLE d (id BIGINT PRIMARY KEY, n BIGINT)")
        await storage.execute("INSERT INTO d VALUES (1, 0), (2, 0)")
        both = asyncio.Barrier(2)

        async def crosswise(first: int, second: int) -> None:
            async with storage.transaction():
                await storage.execute("UPDATE d SET n = n + 1 WHERE id = $1", [first])
                await both.wait()
                await storage.execute("UPDATE d SET n = n + 1 WHERE id = $1", [second])

        async def serializable() -> None:
            async with storage.transaction():
                await storage.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                await storage.execute("SELECT sum(n) AS n FROM d")
                await both.wait()
                await storage.execute("UPDATE d SET n = n + 1 WHERE id = 1")

        pairs = [
            (partial(crosswise, 1, 2), partial(crosswise, 2, 1), "40P01"),
            (serializable, serializable, "40001"),
        ]

        for one, other, state in pairs:
            ends = await asyncio.gather(one(), other(), return_exceptions=True)
            [error] = [end for end in ends if end is not None]
            assert isinstance(error, ConflictError)
            assert (error.sqlstate, error.retryable) == (state, True)
            assert error.outcome == "not_applied"

        assert await storage.execute("SELECT n FROM d ORDER BY id") == [{"n": 2}, {"n": 1}]


async def test_F22_a_statement_timeout_of_the_server(make: Make) -> None:
    """57014: a TimeoutError that is not retryable; the connection serves on."""
    async with make(deadline=5, settings={"statement_timeout": "50ms"}) as storage:
        error = await ended(partial(storage.execute, "SELECT pg_sleep(5)"), 5)
        assert isinstance(error, TimeoutError)
        assert isinstance(error, InfrastructureError)
        assert (error.sqlstate, error.retryable, error.outcome) == ("57014", False, "not_applied")
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]


async def test_F22_a_server_that_is_stopped_and_started() -> None:
    """Fast shutdown: each call ends with a ConnectionError or a TimeoutError, and it is started again."""
    async with PostgresServer(embedded.program()) as server:
        hurried = PostgresStorage(server.url, deadline=0.5, hypertables="index")

        async with connected(hurried) as storage:
            await make_table(storage)
            await warmed(storage)
            await server.stop()

            for name, call in CALLS.items():
                end = await ended(partial(call, storage), 1.5)
                assert isinstance(end, OSError), (name, end)

            await server.start()

            for call in CALLS.values():
                with healed():
                    await call(storage)
