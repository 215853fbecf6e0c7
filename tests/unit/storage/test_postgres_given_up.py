"""A transaction that is given up while a task of its own sends rows: they go into no other one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from infrastructure.interfaces import ConnectionError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter

WAYS = {
    "copy": "INSERT INTO t (id) VALUES ($1)",
    "arrays": "INSERT INTO t (id) VALUES ($1) ON CONFLICT DO NOTHING",
    "rows": "INSERT INTO t SELECT $1::int",
}

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
