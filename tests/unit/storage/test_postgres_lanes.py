"""Short statements that share a connection: each its own answer, error and end, whatever the others do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConnectionError,
    IntegrityError,
    TimeoutError,
    ValidationError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...faults._timing import SLACK, within
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter, fast, lane_for, opened, waits_for_a_lock

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


async def test_a_commit_that_fails_is_an_error(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """A deferred constraint is looked at after the statement's own result."""
    alter(
        postgres_database,
        "CREATE TABLE c (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    )
    write = "INSERT INTO c VALUES ($1)"
    lane = await lane_for(storage, write, [1])
    before = await storage.execute("SELECT count(*) AS n FROM c")
    one, two, three = await asyncio.gather(
        *(storage.execute(write, [number]) for number in (1, 10, 2)), return_exceptions=True
    )
    assert lane.is_open
    assert (one, three) == ([], [])
    assert isinstance(two, IntegrityError)
    assert two.sqlstate == "23503"
    [after] = await storage.execute("SELECT count(*) AS n FROM c")
    assert after["n"] == before[0]["n"] + 2


async def test_an_error_is_of_its_own_statement(storage: PostgresStorage) -> None:
    """The others before and after it on the connection get their rows."""
    divide = "SELECT 1 / $1::int AS one"
    await lane_for(storage, READ, [1])
    await fast(storage, divide, [1])
    calls = [storage.execute(divide, [number]) for number in (1, 0, 1, 0)]
    found = await asyncio.gather(*calls, names(storage, 1, 2), return_exceptions=True)
    assert [getattr(each, "sqlstate", each) for each in found] == [
        [{"one": 1}],
        "22012",
        [{"one": 1}],
        "22012",
        ["row 1", "row 2"],
    ]


async def test_what_the_server_has_forgotten_is_prepared_anew(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """As by a pooler that nobody noticed: each statement is run, and once."""
    alter(
        postgres_database,
        "CREATE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$",
    )
    append = "UPDATE t SET name = name || $2 WHERE id = $1"
    await lane_for(storage, append, [9, "x"])
    await fast(storage, "SELECT forget()")
    await storage.execute("SELECT forget()")
    await asyncio.gather(*(storage.execute(append, [1, "!"]) for _ in range(3)))
    assert await names(storage, 1) == ["row 1!!!"]


async def test_the_oldest_prepared_statement_makes_room(
    postgres_database: PostgresEndpoint,
) -> None:
    """The server keeps no more of them than it was told."""
    async with PostgresStorage(postgres_database.url, statement_cache=4) as storage:
        lane = await lane_for(storage, "SELECT 0 AS n")

        for number in range(20):
            await fast(storage, f"SELECT {number} AS n")

        for number in range(20):
            assert await storage.execute(f"SELECT {number} AS n") == [{"n": number}]

        count = "SELECT count(*)::int AS n FROM pg_prepared_statements"
        await fast(storage, count)
        assert lane.is_open
        assert await storage.execute(count) == [{"n": 4}]


async def test_without_prepared_statements(postgres_database: PostgresEndpoint) -> None:
    """None has a name."""
    alter(postgres_database, *TABLE)

    async with PostgresStorage(postgres_database.url, prepared="off") as storage:
        await lane_for(storage, READ, [1])
        assert await names(storage, 1, 2, 3) == ["row 1", "row 2", "row 3"]
        count = "SELECT count(*)::int AS n FROM pg_prepared_statements"
        await fast(storage, count)
        assert await storage.execute(count) == [{"n": 0}]


async def test_who_waits_for_a_lock_holds_nobody_up(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """The others go by other connections, and it waits by itself: until its lock is free."""
    await lane_for(storage, WRITE, [2, "new"])
    await fast(storage, READ, [1])

    async with storage.transaction():
        await storage.execute(WRITE, [1, "held"])

        async with storage.detached():
            waiting = asyncio.ensure_future(storage.execute(WRITE, [1, "written"]))
            behind = [asyncio.ensure_future(storage.execute(READ, [2])) for _ in range(5)]
            assert await asyncio.gather(*behind) == [[{"name": "new"}]] * 5
            before = time.monotonic()

            while time.monotonic() < before + 0.3:
                assert await names(storage, 3) == ["row 3"]

            assert not waiting.done()

    await waiting
    assert await names(storage, 1) == ["written"]


async def test_what_nobody_waits_for_is_ended(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """A write that was cancelled waits for its lock no longer; the connection goes on."""
    lane = await lane_for(storage, WRITE, [2, "new"])

    with postgres_database.control() as control:
        control.execute("BEGIN")
        control.execute("UPDATE t SET name = 'held' WHERE id = 1")
        waiting = asyncio.ensure_future(storage.execute(WRITE, [1, "written"]))

        with postgres_database.control() as observer:
            await until(lambda: waits_for_a_lock(observer))
            waiting.cancel()

            with pytest.raises(asyncio.CancelledError):
                await waiting

            await until(lambda: not waits_for_a_lock(observer))

        control.execute("COMMIT")

    assert await names(storage, 1) == ["held"]
    assert lane.is_open


async def test_a_deadline_ends_its_statement_only(storage: PostgresStorage) -> None:
    """It is told in time; those that share its connection get their rows."""
    await fast(storage, SLEEP, [0.0])
    await lane_for(storage, READ, [1])

    async def late() -> None:
        with deadline(0.3):
            await storage.execute(SLEEP, [5.0])

    with within(0.3 + SLACK):
        first = asyncio.ensure_future(late())
        await asyncio.sleep(0)
        rows = await names(storage, 1, 2)

        with pytest.raises(TimeoutError) as caught:
            await first

    assert caught.value.outcome == "unknown"
    assert rows == ["row 1", "row 2"]
    assert await names(storage, 3) == ["row 3"]


async def test_a_default_deadline_counts_once(postgres_database: PostgresEndpoint) -> None:
    """Also for a statement that was begun on a shared connection, and ends on one of its own."""
    alter(postgres_database, *TABLE)

    async with opened(PostgresStorage(postgres_database.url, deadline=0.5)) as storage:
        with deadline(10):
            await lane_for(storage, READ, [1])
            await fast(storage, SLEEP, [0.0])

        with within(0.5 + SLACK):
            slow = asyncio.ensure_future(storage.execute(SLEEP, [5.0]))
            await asyncio.sleep(0)
            await names(storage, 1)

            with pytest.raises(TimeoutError):
                await slow


async def test_a_server_that_falls_silent(postgres_database: PostgresEndpoint) -> None:
    """What is on its way ends by its deadline, the lane soon after; then all is as before."""
    alter(postgres_database, *TABLE)

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with opened(PostgresStorage(url, deadline=0.3)) as storage:
            with deadline(10):
                lane = await lane_for(storage, READ, [1])

            proxy.black_hole()
            calls = [storage.execute(READ, [number]) for number in (1, 2, 3)]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(each) for each in found] == [TimeoutError] * 3
            await until(lambda: not lane.is_open)
            proxy.heal()

            with deadline(10):
                assert await names(storage, 1) == ["row 1"]


@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_a_connection_that_breaks(postgres_database: PostgresEndpoint, ending: str) -> None:
    """Each statement on its way gets an error of its own; nobody knows whether it was done."""
    alter(postgres_database, *TABLE)

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url) as storage:
            lane = await lane_for(storage, READ, [1])
            proxy.black_hole("to_client")
            calls = [asyncio.ensure_future(storage.execute(READ, [n])) for n in (1, 2, 3)]
            await asyncio.sleep(0)
            getattr(proxy, ending)()
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert [(type(e), getattr(e, "outcome", None)) for e in found] == [
                (ConnectionError, "unknown")
            ] * 3
            assert len(set(map(id, found))) == 3
            assert not lane.is_open
            proxy.heal()
            assert await names(storage, 1) == ["row 1"]


async def test_half_a_statement_ends_its_lane(storage: PostgresStorage) -> None:
    """What comes next must not get the answers of what was sent of it."""
    lane = await lane_for(storage, READ, [1])
    plan = await fast(storage, READ, [1])
    lane.forget(plan)

    with pytest.raises(ConnectionError):
        lane.send(plan, [object()], [1], time.monotonic() + 1)

    assert not lane.is_open
    assert await names(storage, 1, 2) == ["row 1", "row 2"]


async def test_many_large_values_go_elsewhere(storage: PostgresStorage) -> None:
    """They would hold up the others."""
    lane = await lane_for(storage, WRITE, [1, "x"])
    large = "x" * 100_000
    writing = asyncio.ensure_future(storage.execute(WRITE, [1, large]))
    await asyncio.sleep(0)
    assert lane.load == 0
    await writing
    assert await names(storage, 1) == [large]


async def test_wrong_values_are_refused_before_they_are_sent(storage: PostgresStorage) -> None:
    """As on a connection of their own."""
    lane = await lane_for(storage, READ, [1])

    with pytest.raises(ValidationError, match="1 parameter"):
        await storage.execute(READ, [1, 2])

    with pytest.raises(ValidationError):
        await storage.execute(READ, [object()])

    assert lane.load == 0
    assert await storage.execute(READ, (1,)) == [{"name": "row 1"}]


async def test_a_disconnect_finishes_what_is_on_its_way(storage: PostgresStorage) -> None:
    """And waits for nothing that nobody waits for."""
    await lane_for(storage, READ, [1])
    calls = [asyncio.ensure_future(storage.execute(READ, [1])) for _ in range(30)]
    await asyncio.sleep(0)
    calls[-1].cancel()
    await storage.disconnect()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert found[:-1] == [[{"name": "row 1"}]] * 29
    assert isinstance(found[-1], asyncio.CancelledError)


async def test_a_table_that_is_gone(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Preparing fails for each that was on its way; when it is there again it works."""
    lane = await lane_for(storage, READ, [1])
    await fast(storage, "SELECT 1 AS one")
    lane._names.forget_all()
    alter(postgres_database, "ALTER TABLE t RENAME TO gone")
    calls = [storage.execute(READ, [number]) for number in (1, 2, 3)]
    found = await asyncio.gather(*calls, storage.execute("SELECT 1 AS one"), return_exceptions=True)
    assert [getattr(each, "sqlstate", each) for each in found] == ["42P01"] * 3 + [[{"one": 1}]]
    alter(postgres_database, "ALTER TABLE gone RENAME TO t")
    assert await names(storage, 1) == ["row 1"]
    assert lane.is_open


async def test_a_large_result(storage: PostgresStorage) -> None:
    """Is read without holding the loop, and not asked for on a shared connection again."""
    query = "SELECT n FROM generate_series(1, $1) n"
    lane = await lane_for(storage, query, [1])
    turns = 0

    async def count() -> None:
        nonlocal turns

        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    assert [row["n"] for row in await storage.execute(query, [20_000])] == [*range(1, 20_001)]
    counting.cancel()
    assert turns > 4
    again = asyncio.ensure_future(storage.execute(query, [1]))
    await asyncio.sleep(0)
    assert lane.load == 0
    await again


@pytest.mark.slow
async def test_a_silent_server_that_was_only_asked_for_a_number(
    postgres_database: PostgresEndpoint,
) -> None:
    """The connection is given up, though nobody waits for the answer."""
    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url) as storage:
            lane = await lane_for(storage, "SELECT 1 AS one")
            proxy.black_hole()
            lane._look(time.monotonic())
            await until(lambda: not lane.is_open, 10)
            proxy.heal()
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
