"""Writes that share their commits: each is told after it, its error is its own, none is lost or done twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    TimeoutError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...faults._timing import SLACK, within
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter, ids, lane_for, opened, waits_for_a_lock

WRITE = "INSERT INTO t (id) VALUES ($1)"
GIVES = "INSERT INTO t (id) VALUES ($1) RETURNING id, xmin::text AS xid"
APPEND = "UPDATE t SET name = name || $2 WHERE id = $1"
TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text DEFAULT '')"


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage that groups its writes, with an empty table."""
    alter(postgres_database, TABLE)

    async with PostgresStorage(postgres_database.url, group_commit=True) as opened:
        yield opened


async def ready(storage: PostgresStorage) -> Any:
    """Return the lane of the writes below; the table is empty."""
    for query, params in ((WRITE, [0]), (GIVES, [0]), (APPEND, [0, ""])):
        await _known(storage, query, params)

    lane = await lane_for(storage, APPEND, [0, ""])
    await storage.execute("DELETE FROM t")
    return lane


async def _known(storage: PostgresStorage, query: str, params: list[Any]) -> None:
    engine = storage._engine

    while query not in engine.plans.fast:
        await storage.execute("DELETE FROM t")
        await storage.execute(query, params)

        for plan in engine.plans._plans.values():
            plan.seconds = min(plan.seconds, 0.0)


@pytest.fixture
def no_rescue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every group together, however long the server takes for it."""
    monkeypatch.setattr("infrastructure.storage.postgres._group._RESCUE", 30)


@pytest.mark.usefixtures("no_rescue")
async def test_many_writes_are_one_transaction(storage: PostgresStorage) -> None:
    """Each gets its own row; those of one turn of the loop have one number."""
    lane = await ready(storage)
    calls = [storage.execute(GIVES, [number]) for number in range(1200)]
    found = [row for [row] in await asyncio.gather(*calls)]
    assert lane.is_open
    assert [row["id"] for row in found] == list(range(1200))
    counts = Counter(row["xid"] for row in found)
    assert max(counts.values()) == 500
    assert len(counts) <= 5
    assert await ids(storage) == list(range(1200))


async def test_what_is_told_is_committed(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Another session sees it at once."""
    await ready(storage)

    with postgres_database.control() as control:

        async def write(number: int) -> None:
            await storage.execute(WRITE, [number])
            row = control.execute("SELECT 1 FROM t WHERE id = %s", [number]).fetchone()
            assert row is not None

        await asyncio.gather(*map(write, range(50)))


async def test_an_error_is_of_its_own_write(storage: PostgresStorage) -> None:
    """The others of its group are done, and once."""
    await ready(storage)
    await storage.execute(WRITE, [7])

    for _ in range(3):
        appended = [storage.execute(APPEND, [7, "!"]) for _ in range(5)]
        wrong = [storage.execute(WRITE, [7]) for _ in range(5)]
        found = await asyncio.gather(*appended, *wrong, return_exceptions=True)
        assert [type(each) for each in found] == [list] * 5 + [IntegrityError] * 5

    [row] = await storage.execute("SELECT name FROM t WHERE id = 7")
    assert row["name"] == "!" * 15


async def test_failed_groups_leave_no_prepared_statements(storage: PostgresStorage) -> None:
    """What is prepared anew was closed before."""
    lane = await ready(storage)
    count = (
        "INSERT INTO t SELECT n + 1000000 + $1 FROM (SELECT count(*)::int AS n "
        "FROM pg_prepared_statements) AS p RETURNING id"
    )
    await _known(storage, count, [0])
    await storage.execute("DELETE FROM t")

    for number in range(20):
        twice = [storage.execute(WRITE, [number]) for _ in range(2)]
        await asyncio.gather(*twice, return_exceptions=True)

    await storage.execute("DELETE FROM t")
    await storage.execute(count, [0])
    [row] = await storage.execute(count, [100])
    assert lane.is_open
    assert row["id"] - 1000100 <= 5


async def test_a_deferred_constraint_is_its_own_writes(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """It fails the commit of the group; those that are right are committed alone."""
    await ready(storage)
    alter(
        postgres_database,
        "INSERT INTO t VALUES (1), (2)",
        "CREATE TABLE c (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    )
    write = "INSERT INTO c VALUES ($1)"
    await lane_for(storage, write, [1])
    await storage.execute("DELETE FROM c")
    calls = [storage.execute(write, [number]) for number in (1, 3, 2)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in found] == [list, IntegrityError, list]
    rows = await storage.execute("SELECT id FROM c ORDER BY id")
    assert [row["id"] for row in rows] == [1, 2]


async def test_who_waits_for_a_lock_holds_nobody_up_for_long(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Its group is undone after a moment, and each of it done alone."""
    await ready(storage)
    await storage.execute(WRITE, [1])

    with postgres_database.control() as control:
        control.execute("BEGIN")
        control.execute("UPDATE t SET name = 'held' WHERE id = 1")
        waiting = asyncio.ensure_future(storage.execute(APPEND, [1, "!"]))
        await asyncio.gather(*(storage.execute(WRITE, [number]) for number in range(2, 20)))
        assert not waiting.done()
        control.execute("COMMIT")

    await waiting
    [row] = await storage.execute("SELECT name FROM t WHERE id = 1")
    assert row["name"] == "held!"
    assert await ids(storage) == list(range(1, 20))


async def test_a_cancelled_write_takes_no_other_along(storage: PostgresStorage) -> None:
    """Nor one whose deadline passes before its group has left."""
    await ready(storage)
    calls = [asyncio.ensure_future(storage.execute(WRITE, [number])) for number in range(9)]
    calls[3].cancel()
    await asyncio.sleep(0)
    calls[4].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    cancelled = [isinstance(each, asyncio.CancelledError) for each in found]
    assert cancelled == [number in (3, 4) for number in range(9)]
    assert set(range(9)) - {3, 4} <= set(await ids(storage))


async def test_a_deadline_of_one_that_waits(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """What has not left was not applied; what has is in doubt."""
    await ready(storage)
    await storage.execute(WRITE, [1])

    async def late(query: str, *params: Any) -> None:
        with deadline(0.15):
            await storage.execute(query, list(params))

    with postgres_database.control() as control:
        control.execute("BEGIN")
        control.execute("UPDATE t SET name = 'held' WHERE id = 1")
        sent = asyncio.ensure_future(late(APPEND, 1, "!"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waits = asyncio.ensure_future(late(WRITE, 2))

        with within(0.15 + SLACK):
            found = await asyncio.gather(sent, waits, return_exceptions=True)

        assert [type(each) for each in found] == [TimeoutError] * 2
        assert [getattr(each, "outcome", None) for each in found] == ["unknown", "not_applied"]

        with postgres_database.control() as observer:
            await until(lambda: not waits_for_a_lock(observer))

        control.execute("COMMIT")

    assert await ids(storage) == [1]


async def test_a_connection_that_breaks(postgres_database: PostgresEndpoint) -> None:
    """What had left is in doubt; what had not is done on another connection, unseen."""
    alter(postgres_database, TABLE)

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, group_commit=True, deadline=5) as storage:
            lane = await ready(storage)
            proxy.black_hole("to_server")
            sent = [asyncio.ensure_future(storage.execute(WRITE, [n])) for n in range(3)]
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waits = [asyncio.ensure_future(storage.execute(WRITE, [n])) for n in range(3, 6)]
            await asyncio.sleep(0)
            assert (len(lane._group), len(lane._waiting)) == (3, 3)
            proxy.reset()
            proxy.heal()
            found = await asyncio.gather(*sent, *waits, return_exceptions=True)
            assert [getattr(each, "outcome", each) for each in found] == ["unknown"] * 3 + [[]] * 3
            assert await ids(storage) == [3, 4, 5]


async def test_a_silent_server(postgres_database: PostgresEndpoint) -> None:
    """Each write ends by its deadline, and the connection is given up."""
    alter(postgres_database, TABLE)

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with opened(PostgresStorage(url, group_commit=True, deadline=0.3)) as storage:
            with deadline(10):
                lane = await ready(storage)

            proxy.black_hole()
            calls = [storage.execute(WRITE, [number]) for number in range(5)]

            with within(0.3 + SLACK):
                found = await asyncio.gather(*calls, return_exceptions=True)

            assert [type(each) for each in found] == [TimeoutError] * 5
            await until(lambda: not lane.is_open)
            proxy.heal()

            with deadline(10):
                await storage.execute(WRITE, [9])


async def test_a_disconnect_while_writes_run_alone(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Nobody waits for ever: each is done, or gets an error that says so."""
    await ready(storage)
    await storage.execute(WRITE, [1])

    with postgres_database.control() as control:
        control.execute("BEGIN")
        control.execute("UPDATE t SET name = 'held' WHERE id = 1")
        calls = [asyncio.ensure_future(storage.execute(APPEND, [1, "!"])) for _ in range(30)]

        with postgres_database.control() as observer:
            await until(lambda: waits_for_a_lock(observer))

        await until(lambda: storage._engine.pool._queue)
        await storage.disconnect()

        async with asyncio.timeout(1):
            found = await asyncio.gather(*calls, return_exceptions=True)

        assert {type(each) for each in found} == {ConnectionError}
        assert {getattr(each, "outcome", None) for each in found} <= {"unknown", "not_applied"}
        control.execute("COMMIT")

    await storage.connect()
    [row] = await storage.execute("SELECT name FROM t WHERE id = 1")
    unknown = sum(getattr(each, "outcome", None) == "unknown" for each in found)
    assert row["name"].count("!") <= unknown < 30


@pytest.mark.usefixtures("no_rescue")
async def test_a_disconnect_finishes_the_groups(storage: PostgresStorage) -> None:
    """Those on their way, and those that wait for them."""
    await ready(storage)
    # However long the disk takes for them.
    storage._close_within = 30.0
    calls = [asyncio.ensure_future(storage.execute(WRITE, [number])) for number in range(1100)]
    await asyncio.sleep(0)
    await storage.disconnect()
    found = await asyncio.gather(*calls, return_exceptions=True)
    errors = [each for each in found if isinstance(each, InfrastructureError)]
    assert not errors
    await storage.connect()
    assert await ids(storage) == list(range(1100))


async def test_without_prepared_statements(postgres_database: PostgresEndpoint) -> None:
    """Groups work as well where none may have a name."""
    alter(postgres_database, TABLE)

    async with PostgresStorage(postgres_database.url, group_commit=True, prepared="off") as storage:
        await ready(storage)
        twice = [*range(30), 3]
        calls = [storage.execute(WRITE, [number]) for number in twice]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(each, IntegrityError) for each in found) == 1
        assert await ids(storage) == list(range(30))


async def test_a_column_that_has_changed(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """What a write returns is read as it is by now, in a group too, and by itself."""
    lane = await ready(storage)
    gives = "INSERT INTO t (id) VALUES ($1) RETURNING id"
    await _known(storage, gives, [0])
    await storage.execute("DELETE FROM t")

    for then in ("bigint", "smallint", "int"):
        lane._names.forget_all()
        alter(postgres_database, f"ALTER TABLE t ALTER id TYPE {then}")
        calls = [storage.execute(gives, [number]) for number in (1, 2)]
        assert await asyncio.gather(*calls) == [[{"id": 1}], [{"id": 2}]]
        await storage.execute("DELETE FROM t")
        await _known(storage, gives, [0])
        await storage.execute("DELETE FROM t")


async def test_one_that_is_replaced(storage: PostgresStorage) -> None:
    """Takes nothing more, and ends when all is answered."""
    lane = await ready(storage)
    calls = [asyncio.ensure_future(storage.execute(WRITE, [number])) for number in range(3)]
    await asyncio.sleep(0)
    lane.retire()
    assert lane.is_open
    assert not lane.takes_work()
    await asyncio.gather(*calls)
    assert not lane.is_open
    await storage.execute(WRITE, [3])
    assert await ids(storage) == [0, 1, 2, 3]
    lane = await lane_for(storage, APPEND, [0, ""])
    lane.retire()
    assert not lane.is_open


async def test_half_a_group_ends_its_connection(storage: PostgresStorage) -> None:
    """What comes next must not get the answers of what was sent of it."""
    lane = await ready(storage)
    plan = storage._engine.plans.fast[WRITE]
    answer = lane.send(plan, [object()], [1], time.monotonic() + 1)

    with pytest.raises(ConnectionError):
        await answer

    assert not lane.is_open
    await storage.execute(WRITE, [3])


async def test_what_the_server_has_forgotten_is_prepared_anew(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """A group fails by it, and each write is done alone, once."""
    lane = await ready(storage)
    await storage.execute(WRITE, [1])
    alter(
        postgres_database,
        "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN new; END $$",
        "CREATE TRIGGER forget BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION forget()",
    )
    await storage.execute(WRITE, [2])
    await asyncio.gather(*(storage.execute(APPEND, [1, "!"]) for _ in range(3)))
    [row] = await storage.execute("SELECT name FROM t WHERE id = 1")
    assert row["name"] == "!!!"
    assert lane.is_open
