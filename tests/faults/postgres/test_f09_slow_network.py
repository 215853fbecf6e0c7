"""F9: the network delivers byte by byte, or late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ._storages import Make

pytestmark = pytest.mark.slow

Slow = Callable[[ChaosProxy], None]

SLOW: dict[str, Slow] = {
    "1-byte pieces": lambda proxy: proxy.split(1),
    "7-byte pieces": lambda proxy: proxy.split(7),
    "20 ms of delay": lambda proxy: proxy.delay(0.02),
    "1-byte pieces to the client, late": lambda proxy: (
        proxy.split(1, "to_client"),
        proxy.delay(0.005, "to_client"),
    )[0],
}


async def use(storage: PostgresStorage, who: int) -> None:
    """Ask every method for what belongs to ``who``, and compare."""
    rows = [[who, n, "x" * n] for n in range(40)]
    insert = "INSERT INTO u (who, n, x) VALUES ($1, $2, $3)"
    read = "SELECT n, x FROM u WHERE who = $1 ORDER BY n"
    wanted = [{"n": n, "x": x} for _, n, x in rows]
    await storage.execute_many(insert, rows)
    assert await storage.execute(read, [who]) == wanted

    async with storage.transaction():
        deleted = await storage.execute("DELETE FROM u WHERE who = $1 RETURNING n", [who])
        assert sorted(row["n"] for row in deleted) == list(range(40))

        async with storage.transaction():
            await storage.execute_many(insert, rows[:3])

        assert [row async for row in storage.stream(read, [who], 2)] == wanted[:3]

    assert [row async for row in storage.stream(read, [who], 10)] == wanted[:3]
    await storage.execute("UPDATE u SET x = $2 WHERE who = $1 AND n = 0", [who, "again"])
    [row] = await storage.execute("SELECT x FROM u WHERE who = $1 AND n = 0", [who])
    assert row == {"x": "again"}


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_F9_results_are_right(make: Make, proxy: ChaosProxy, slow: Slow) -> None:
    """Every method, of five tasks at once."""
    async with make(proxy, deadline=10) as storage:
        await storage.execute("CREATE TABLE u (who BIGINT, n BIGINT, x TEXT)")
        slow(proxy)
        await asyncio.gather(*(use(storage, who) for who in range(5)))


async def test_F9_a_connect_over_a_slow_network(make: Make, proxy: ChaosProxy) -> None:
    """Byte by byte it is one."""
    proxy.split(1)

    async with make(proxy, deadline=10) as storage:
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]


async def test_F9_a_large_value_in_small_pieces_is_right(make: Make, proxy: ChaosProxy) -> None:
    """Its pieces end anywhere, both ways."""
    value = bytes(range(256)) * 800

    async with make(proxy, deadline=10) as storage:
        proxy.split(997)
        assert await storage.execute("SELECT $1::bytea AS v", [value]) == [{"v": value}]
