"""A transaction that is given up while a task of its own sends rows: they go into no other one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from infrastructure.interfaces import ConnectionError, deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter

WAYS = {
    "copy": "INSERT INTO t (id) VALUES ($1)",
    "arrays": "INSERT INTO t (id) VALUES ($1) ON CONFLICT DO NOTHING",
    "rows": "INSERT INTO t SELECT $1::int",
}

PID = "SELECT pg_backend_pid() AS pid"
SLEEPS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND state = 'active' AND query = 'SELECT pg_sleep(60)'"
)
FAST = 3000
"""Rows that come at once: more than are looked at before the first request."""


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with one connection, which the next transaction gets."""
    alter(postgres_database, "CREATE TABLE t (id int PRIMARY KEY)")
    url = postgres_database.url

    async with PostgresStorage(url, max_connections=1, pipelining=False, deadline=5) as opened:
        yield opened


class Rows:
    """Gives rows of which the last come so slowly that the event loop has turns between them."""

    def __init__(self) -> None:
        self.slow = asyncio.Event()
        self.enough = False

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(2 * FAST):
            if number >= FAST:
                self.slow.set()
                time.sleep(0.0005)

            if self.enough:
                return

            yield [number]


@pytest.mark.parametrize("way", WAYS)
async def test_rows_under_way(storage: PostgresStorage, way: str) -> None:
    """Their connection is closed under them; the next transaction has one of its own."""
    rows = Rows()
    sending: list[asyncio.Task[None]] = []

    async def give_up() -> None:
        async with storage.transaction():
            sending.append(asyncio.create_task(storage.execute_many(WAYS[way], rows)))
            await asyncio.Event().wait()

    giving_up = asyncio.create_task(give_up())
    await rows.slow.wait()
    giving_up.cancel()
    await asyncio.wait({giving_up})

    async with storage.transaction():
        await storage.execute("SELECT 1")
        rows.enough = True

        with pytest.raises(ConnectionError, match="the transaction was given up"):
            await sending[0]

        assert await storage.execute("SELECT id FROM t") == []


async def test_a_savepoint_that_is_being_undone(postgres_database: PostgresEndpoint) -> None:
    """While its statement is cancelled the transaction is given up: the next one is left alone."""
    alter(postgres_database, "CREATE TABLE t (id int PRIMARY KEY)")

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, max_connections=1, pipelining=False, deadline=5) as storage:
            for _ in range(3):
                given_up = await storage.execute(PID)
                await _give_up(storage, postgres_database, proxy)

                # What undoes the savepoint goes on for a while, and would do so in these.
                for number in range(100):
                    async with storage.transaction():
                        found = await storage.execute("SELECT $1::int AS n", [number])
                        assert found == [{"n": number}]

                assert await storage.execute(PID) != given_up


async def _give_up(storage: PostgresStorage, database: PostgresEndpoint, proxy: ChaosProxy) -> None:
    children: list[asyncio.Task[None]] = []

    async def inside() -> None:
        async with storage.transaction():
            # Long enough to be seen before it passes.
            with deadline(1.0):
                await storage.execute("SELECT pg_sleep(60)")

    async def around() -> None:
        async with storage.transaction():
            children.append(asyncio.create_task(inside()))
            await asyncio.Event().wait()

    giving_up = asyncio.create_task(around())

    with database.control() as control:
        await until(lambda: control.execute(SLEEPS).fetchone() == (1,))

    before = proxy.accepted
    proxy.delay(0.02)
    # The way of a cancel request, which is a connection of its own.
    await until(lambda: proxy.accepted > before)
    giving_up.cancel()
    await asyncio.wait({giving_up})
    assert not children[0].done()
    children[0].add_done_callback(asyncio.Task.exception)
    proxy.heal()
