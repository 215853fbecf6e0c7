"""An error says which method was called, and where in the statement the server stumbled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from infrastructure.interfaces import (
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    TransactionError,
    ValidationError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter, lane_for, pool_of

LATE = "INSERT INTO late (id) VALUES ($1)"
"""Refused at the commit."""
LONG = f"SELECT {'1 + ' * 20}"
"""So much of a statement that its end is not shown as what was tried."""


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with two tables; a row in the second is refused at the commit."""
    alter(
        postgres_database,
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "CREATE TABLE late (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    )

    async with PostgresStorage(postgres_database.url, deadline=5) as opened:
        yield opened


class TestMethod:
    @pytest.mark.parametrize("query", ["SELECT missing", "SELEC", "SELECT 1 / 0", "DROP TABLE x"])
    async def test_execute(self, storage: PostgresStorage, query: str) -> None:
        """Inside a transaction too."""
        with pytest.raises(OperationError) as caught:
            await storage.execute(query)

        assert caught.value.operation == "execute"

        with pytest.raises(OperationError) as caught:
            async with storage.transaction():
                await storage.execute(query)

        assert caught.value.operation == "execute"

    async def test_execute_on_a_shared_connection(self, storage: PostgresStorage) -> None:
        """The same."""
        query = "SELECT 1 / $1::int AS n"
        await lane_for(storage, query, [1])

        with pytest.raises(OperationError) as caught:
            await storage.execute(query, [0])

        assert (caught.value.operation, caught.value.sqlstate) == ("execute", "22012")

    async def test_execute_many_on_a_shared_connection(self, storage: PostgresStorage) -> None:
        """The same."""
        query = "UPDATE t SET v = 1 / $1::int"
        await storage.execute("INSERT INTO t VALUES (1, 1)")
        await lane_for(storage, query, [1])

        with pytest.raises(OperationError) as caught:
            await storage.execute_many(query, [[1], [0]])

        assert (caught.value.operation, caught.value.row_index) == ("execute_many", 1)

    @pytest.mark.parametrize(
        "query",
        [
            "INSERT INTO t (id) VALUES ($1)",
            "INSERT INTO t (id) VALUES ($1) ON CONFLICT (v) DO NOTHING",
            "UPDATE t SET id = id / $1::int",
            LATE,
        ],
    )
    @pytest.mark.parametrize("count", [2, 200])
    @pytest.mark.parametrize("pipelining", [True, False])
    async def test_execute_many(
        self,
        postgres_database: PostgresEndpoint,
        storage: PostgresStorage,
        query,
        count,
        pipelining,
    ) -> None:
        """Whatever it consists of."""
        await storage.execute("INSERT INTO t VALUES (100, 1)")
        url = postgres_database.url

        async with PostgresStorage(url, pipelining=pipelining) as other:
            with pytest.raises(OperationError) as caught:
                await other.execute_many(query, [[0]] * count)

        assert caught.value.operation == "execute_many"

    async def test_an_error_of_the_iterable_is_left_alone(self, storage: PostgresStorage) -> None:
        """It is the caller's, be it one of our classes."""
        error = ValidationError("by the caller")

        def rows() -> Iterator[list[int]]:
            yield [1]
            raise error

        with pytest.raises(ValidationError) as caught:
            await storage.execute_many(LATE, rows())

        assert caught.value is error
        assert error.operation is None

    @pytest.mark.parametrize(
        "query", ["SELECT missing", "SELECT 1 / (n - 2) FROM generate_series(1, 3) n", "SHOW x"]
    )
    async def test_stream(self, storage: PostgresStorage, query: str) -> None:
        """As it begins, and later."""
        with pytest.raises(OperationError) as caught:
            [row async for row in storage.stream(query)]

        assert caught.value.operation == "stream"

    async def test_the_end_of_a_transaction(self, storage: PostgresStorage) -> None:
        """Commit, by whatever of the two ways."""
        with pytest.raises(IntegrityError) as caught:
            async with storage.transaction():
                await storage.execute(LATE, [1])

        assert caught.value.operation == "commit"
        assert str(caught.value).startswith("commit: ")
        await storage.begin_transaction()
        await storage.execute(LATE, [1])

        with pytest.raises(IntegrityError) as caught:
            await storage.commit()

        assert caught.value.operation == "commit"

    async def test_a_schema(self, storage: PostgresStorage) -> None:
        """The method, not the statements that it consists of."""
        with pytest.raises(OperationError) as caught:
            await storage.create_table("a", {"b": "INT REFERENCES gone (id)"})

        assert caught.value.operation == "create_table"

    async def test_a_wait_for_a_connection(self, postgres_database: PostgresEndpoint) -> None:
        """What it was wanted for; also where it could never come, and after the end."""
        url = postgres_database.url

        async with PostgresStorage(url, max_connections=1, pipelining=False) as storage:
            pool = pool_of(storage)
            connection = pool.take("test")

            with pytest.raises(TimeoutError) as caught, deadline(0.05):
                await storage.begin_transaction()

            assert caught.value.operation == "begin_transaction"
            pool.release(connection)

            async with storage.transaction(), storage.detached():
                with pytest.raises(TransactionError) as refused:
                    await storage.execute("SELECT 1")

                assert refused.value.operation == "execute"

    @pytest.mark.parametrize("inside", [True, False])
    async def test_a_server_that_is_away(
        self, postgres_database: PostgresEndpoint, *, inside: bool
    ) -> None:
        """Lost, or not to be reached: the method that needed it."""
        async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
            url = postgres_database.moved(proxy.host, proxy.port)

            async with PostgresStorage(url, pipelining=False, deadline=5) as storage:
                if inside:
                    await storage.begin_transaction()

                proxy.refuse()
                proxy.cut()
                found: list[InfrastructureError] = []

                for _ in range(2):
                    with pytest.raises((ConnectionError, TransactionError)) as caught:
                        await storage.execute("SELECT 1")

                    found.append(caught.value)

                assert [each.operation for each in found] == ["execute"] * 2

    async def test_connect(self, postgres_database: PostgresEndpoint) -> None:
        """A server that refuses the user."""
        url = postgres_database.address(user="nobody_here", password="x")

        with pytest.raises(InfrastructureError) as caught:
            await PostgresStorage(url).connect()

        assert caught.value.operation == "connect"


class TestPlace:
    @pytest.mark.parametrize("inside", [True, False])
    async def test_in_a_statement(self, storage: PostgresStorage, *, inside: bool) -> None:
        """Where it stumbled is shown, however far from the beginning."""
        query = f"{LONG}missing"

        if inside:
            await storage.begin_transaction()

        for given in (query, f"{query} + $1::int"):
            with pytest.raises((OperationError, TransactionError)) as caught:
                await storage.execute(given, [1] if "$" in given else None)

            if inside:
                await storage.rollback()
                await storage.begin_transaction()

            assert "at 'missing" in str(caught.value)

        if inside:
            await storage.rollback()

    async def test_in_a_stream(self, storage: PostgresStorage) -> None:
        """The same."""
        with pytest.raises(OperationError, match="at 'missing'"):
            [row async for row in storage.stream(f"{LONG}missing")]

    @pytest.mark.parametrize("rows", [2, 100])
    async def test_in_many(self, storage: PostgresStorage, rows: int) -> None:
        """The same."""
        query = f"UPDATE t SET v = ({LONG}missing) + $1"

        with pytest.raises(OperationError, match="at 'missing"):
            await storage.execute_many(query, [[1]] * rows)

    async def test_a_literal_is_no_parameter(self, storage: PostgresStorage) -> None:
        """What stands in the statement is shown where the server repeats it; on a shared connection too."""
        query = f"{LONG}CASE WHEN $1::int = 0 THEN ('99999999999' || $2::text)::int ELSE 1 END"
        lane = await lane_for(storage, query, [1, ""])

        for value, shown in (("", '"99999999999"'), ("7", '"***"')):
            with pytest.raises(OperationError) as caught:
                await storage.execute(query, [0, value])

            assert shown in str(caught.value)
            assert lane.is_open
