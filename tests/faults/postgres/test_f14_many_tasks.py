"""F14: far more tasks at once than there are connections."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import TimeoutError

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import connected, healed, share
from .._watch import until
from ._storages import Make, Note

pytestmark = pytest.mark.slow

CONNECTIONS = 10


async def _watch(database: PostgresEndpoint, seen: list[int]) -> None:
    with database.counters() as counters:
        while True:
            seen.append(counters.read().open)
            await asyncio.sleep(0.02)


@pytest.mark.soak
async def test_F14_all_succeed_on_the_few_connections(
    make: Make, database: PostgresEndpoint, record_property: Note
) -> None:
    """Each gets its own rows, in and out of transactions; the server never sees more than ten."""
    tasks, seen = share(40_000), [0]

    async def one(number: int) -> bool:
        if number % 4 == 0:
            async with storage.transaction():
                [row] = await storage.execute("SELECT $1::bigint AS n", [number])
        else:
            [row] = await storage.execute("SELECT $1::bigint AS n", [number])

        return bool(row["n"] == number)

    with database.counters() as counters:
        # What prepared the database may not have been seen to leave.
        await until(lambda: not counters.read().open, counters.sessions)

    watching = asyncio.ensure_future(_watch(database, seen))

    async with make(deadline=60, max_connections=CONNECTIONS) as storage:
        wrong = tasks - sum(await asyncio.gather(*map(one, range(tasks))))
        assert wrong == 0

    watching.cancel()
    assert max(seen) <= CONNECTIONS
    record_property("tasks at once", tasks)
    record_property("connections at most", max(seen))


async def test_F14_some_may_be_overdue_and_the_rest_is_right(
    make: Make, database: PostgresEndpoint
) -> None:
    """With a deadline that is too short for all of them, each gets its rows or a TimeoutError."""
    async with connected(make(deadline=0.15, max_connections=CONNECTIONS)) as storage:
        asked = (storage.execute("SELECT $1::bigint AS n", [n]) for n in range(3000))
        ends = await asyncio.gather(*asked, return_exceptions=True)
        wrong = [
            end
            for n, end in enumerate(ends)
            if end != [{"n": n}] and not isinstance(end, TimeoutError)
        ]
        assert wrong == []

        with database.counters() as counters:
            await until(lambda: counters.read().open <= CONNECTIONS, counters.sessions)

        with healed():
            assert await storage.execute("SELECT 7 AS n") == [{"n": 7}]
