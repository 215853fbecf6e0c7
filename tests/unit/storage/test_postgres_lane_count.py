"""How many shared connections there are: opened when there is work for them, replaced when one is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from ...servers.waiting import until
from .postgres_shared import alter, fast, lane_for

READ = "SELECT name FROM t WHERE id = $1"
WRITE = "UPDATE t SET name = $2 WHERE id = $1"
SLEEP = "SELECT id FROM t WHERE id = 1 AND pg_sleep($1) IS NOT NULL"
TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, name text)",
    "INSERT INTO t SELECT n, 'row ' || n FROM generate_series(1, 9) n",
)


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with a table."""
    alter(postgres_database, *TABLE)

    async with PostgresStorage(postgres_database.url) as opened:
        yield opened


async def names(storage: PostgresStorage, *ids: int) -> list[Any]:
    """Read rows at the same time."""
    found = await asyncio.gather(*(storage.execute(READ, [number]) for number in ids))
    return [row["name"] for [row] in found]


async def test_a_busy_lane_gets_company(storage: PostgresStorage) -> None:
    """A second one is opened when many statements are on their way on the first."""
    lane = await lane_for(storage, READ, [1])
    plan = await fast(storage, READ, [1])
    lanes = storage._engine._lanes
    assert lanes is not None

    while len(lanes._lanes) < 2:
        assert await names(storage, *[1, 2, 3] * 20) == ["row 1", "row 2", "row 3"] * 20
        plan.seconds = 0.0

    least = []

    # Where this thread has no core in between, the lanes are late, and the rest goes past them.
    while not least or (least[-1] < 16 and len(least) < 5):
        plan.seconds = 0.0
        calls = [asyncio.ensure_future(storage.execute(READ, [1])) for _ in range(60)]
        await asyncio.sleep(0)
        least.append(min(each.load for each in lanes._lanes))
        assert await asyncio.gather(*calls) == [[{"name": "row 1"}]] * 60

    assert least[-1] >= 16, least
    assert lane.is_open


async def test_one_that_is_replaced(storage: PostgresStorage) -> None:
    """Takes nothing more, and ends when what is on its way is answered."""
    lane = await lane_for(storage, READ, [1])
    answer = asyncio.ensure_future(storage.execute(READ, [1]))
    await asyncio.sleep(0)
    lane.retire()
    assert lane.is_open
    others = asyncio.ensure_future(names(storage, 2, 3))
    await asyncio.sleep(0)
    assert lane.load == 1
    assert await answer == [{"name": "row 1"}]
    assert not lane.is_open
    assert await others == ["row 2", "row 3"]
    lane = await lane_for(storage, READ, [1])
    lane.retire()
    assert not lane.is_open


async def test_by_a_unix_socket(private_postgres: PostgresServer) -> None:
    """As by any other."""
    alter(private_postgres, *TABLE)

    async with PostgresStorage(private_postgres.socket_url) as storage:
        await lane_for(storage, READ, [1])
        assert await names(storage, *range(1, 9)) == [f"row {n}" for n in range(1, 9)]


async def test_one_that_ends_while_another_is_opened(storage: PostgresStorage) -> None:
    """The new one is used, and closed with the storage."""
    lane = await lane_for(storage, READ, [1])
    lanes = storage._engine._lanes
    assert lanes is not None
    lanes._open_one()
    await asyncio.sleep(0)
    lane.close("by the test")
    await until(lambda: lanes._lanes)
    [new] = lanes._lanes
    assert await names(storage, 1) == ["row 1"]
    await storage.disconnect()
    assert not new.is_open


async def test_a_server_that_is_away(postgres_database: PostgresEndpoint) -> None:
    """Is asked for another one now and then; statements go by what works meanwhile."""
    alter(postgres_database, *TABLE)

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, deadline=5) as storage:
            lane = await lane_for(storage, READ, [1])
            accepted = proxy.accepted
            proxy.refuse()
            lane.close("by the test")

            for _ in range(200):
                assert await names(storage, 1) == ["row 1"]

            assert proxy.accepted - accepted < 20
            proxy.heal()
            await lane_for(storage, READ, [1])
