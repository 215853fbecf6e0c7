"""A time-out says what was waited for, and what gives it more time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from infrastructure.interfaces import TimeoutError, deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter, lane_for, opened

MORE_TIME = "before the server answered; raise deadline=, or that of the block around it"
INSERT = "INSERT INTO t (id) VALUES ($1)"
WRITE = "INSERT INTO t (id) VALUES ($1) ON CONFLICT DO NOTHING"

CALLS: dict[str, Callable[[PostgresStorage], Awaitable[object]]] = {
    "execute": lambda storage: storage.execute("SELECT 1"),
    "execute_many": lambda storage: storage.execute_many(INSERT, [[1], [2]]),
    "a copy": lambda storage: storage.execute_many(INSERT, [[n] for n in range(100)]),
    "stream": lambda storage: anext(storage.stream("SELECT 1")),
    "begin_transaction": lambda storage: storage.begin_transaction(),
}


@pytest.fixture(autouse=True)
def table(postgres_database: PostgresEndpoint) -> None:
    """Make the table."""
    alter(postgres_database, "CREATE TABLE t (id int PRIMARY KEY)")


@pytest.mark.parametrize("call", CALLS)
async def test_a_server_that_does_not_answer(
    postgres_database: PostgresEndpoint, proxy: ChaosProxy, call: str
) -> None:
    """On a connection of its own."""
    url = postgres_database.moved(proxy.host, proxy.port)

    async with opened(PostgresStorage(url, pipelining=False, deadline=0.2)) as storage:
        proxy.black_hole()

        with pytest.raises(TimeoutError) as caught:
            await CALLS[call](storage)

        assert MORE_TIME in str(caught.value)
        proxy.heal()


@pytest.mark.parametrize("group_commit", [True, False])
async def test_on_a_shared_connection(
    postgres_database: PostgresEndpoint, proxy: ChaosProxy, *, group_commit: bool
) -> None:
    """The same."""
    url = postgres_database.moved(proxy.host, proxy.port)

    async with PostgresStorage(url, group_commit=group_commit) as storage:
        await lane_for(storage, WRITE, [1])
        proxy.black_hole()

        with deadline(0.2), pytest.raises(TimeoutError) as caught:
            await storage.execute(WRITE, [1])

        assert MORE_TIME in str(caught.value)
        proxy.heal()


async def test_a_few_rows_on_a_shared_connection(
    postgres_database: PostgresEndpoint, proxy: ChaosProxy
) -> None:
    """The same, of the method that was called."""
    url = postgres_database.moved(proxy.host, proxy.port)

    async with PostgresStorage(url) as storage:
        await lane_for(storage, WRITE, [1])
        proxy.black_hole()

        with deadline(0.2), pytest.raises(TimeoutError) as caught:
            await storage.execute_many(WRITE, [[1], [2]])

        assert MORE_TIME in str(caught.value)
        assert caught.value.operation == "execute_many"
        proxy.heal()


async def test_a_connection_that_is_not_made(
    postgres_database: PostgresEndpoint, proxy: ChaosProxy
) -> None:
    """The statement never left."""
    url = postgres_database.moved(proxy.host, proxy.port)

    async with opened(PostgresStorage(url, pipelining=False, deadline=0.2)) as storage:
        proxy.cut()
        proxy.black_hole()

        with pytest.raises(TimeoutError, match="look whether it answers, or raise deadline="):
            await storage.execute("SELECT 1")

        proxy.heal()


@pytest.mark.parametrize("option", ["statement_timeout", "lock_timeout"])
async def test_what_the_server_ends(postgres_database: PostgresEndpoint, option: str) -> None:
    """Its own parameter is named."""
    url = postgres_database.url

    async with PostgresStorage(url, settings={option: "20ms"}, deadline=5) as storage:
        with postgres_database.control() as control, control.transaction():
            control.execute("LOCK TABLE t")

            with pytest.raises(TimeoutError, match=f"see {option}"):
                await storage.execute("SELECT id FROM t")


async def test_nothing_is_heard(postgres_database: PostgresEndpoint) -> None:
    """Without a block it would have waited."""
    async with (
        PostgresStorage(postgres_database.url) as storage,
        storage.listen("jobs") as reader,
    ):
        with deadline(0.02), pytest.raises(TimeoutError, match="that of the block around it"):
            await anext(reader)
