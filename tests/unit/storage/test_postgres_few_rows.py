"""``execute_many`` of a few rows, on a connection that others share: all or nothing, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.interfaces import InfrastructureError, IntegrityError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter, lane_for, waits_for_a_lock

INSERT = "INSERT INTO t (id, pid) VALUES ($1, pg_backend_pid())"
UPDATE = "UPDATE t SET name = $2 WHERE id = $1"
DDL = (
    "CREATE TABLE t (id int PRIMARY KEY, name text, pid int)",
    "CREATE TABLE c (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
)


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with two tables; no commit waits for the disk, and goes elsewhere for that."""
    at_once = f"ALTER DATABASE {postgres_database.name} SET synchronous_commit = off"
    alter(postgres_database, at_once, *DDL)

    async with PostgresStorage(postgres_database.url) as opened:
        yield opened


async def written(storage: PostgresStorage) -> dict[int, int]:
    """Return the ids that are stored, and the session that each was stored by."""
    rows = await storage.execute("SELECT id, pid FROM t WHERE id > 0 ORDER BY id")
    return {row["id"]: row["pid"] for row in rows}


async def test_calls_of_many_tasks_share_a_connection(storage: PostgresStorage) -> None:
    """Lists and tuples alike; an empty list is nothing."""
    lane = await lane_for_rows(storage)
    calls = [storage.execute_many(INSERT, [[n], (n + 10,), [n + 20]]) for n in range(1, 6)]
    await asyncio.gather(*calls, storage.execute_many(INSERT, []))
    stored = await written(storage)
    assert sorted(stored) == [n + more for more in (0, 10, 20) for n in range(1, 6)]
    assert set(stored.values()) == {lane.pgconn.backend_pid}


async def test_it_learns_by_itself(storage: PostgresStorage) -> None:
    """A statement that only `execute_many` runs goes there by and by."""
    await storage.execute_many(INSERT, [[1], [2]])
    [plan] = [plan for plan in storage._engine.plans._plans.values() if plan.changes]
    assert plan.seconds < float("inf")
    plan.seconds = 0.0
    await storage.execute_many(INSERT, [[3], [4]])
    assert storage._engine.plans.fast == {INSERT: plan}


async def test_the_row_of_an_error(storage: PostgresStorage) -> None:
    """Nothing of its call is stored; the calls before and behind it are."""
    lane = await lane_for_rows(storage)
    first, second, third = await asyncio.gather(
        storage.execute_many(INSERT, [[1], [2]]),
        storage.execute_many(INSERT, [[3], [4], [1], [5]]),
        storage.execute_many(INSERT, [[6], [7]]),
        return_exceptions=True,
    )
    assert (first, third) == (None, None)
    assert isinstance(second, IntegrityError)
    assert second.row_index == 2
    assert str(second).startswith(f"execute_many '{INSERT}'")
    assert "(id)" in str(second)
    assert list(await written(storage)) == [1, 2, 6, 7]
    assert lane.is_open


async def test_a_commit_that_fails_is_of_no_row(storage: PostgresStorage) -> None:
    """A deferred constraint is looked at behind the last row."""
    write = "INSERT INTO c VALUES ($1)"
    await lane_for_rows(storage)
    await storage.execute_many(INSERT, [[1], [2]])
    lane = await lane_for(storage, write, [1])

    with pytest.raises(IntegrityError) as caught:
        await storage.execute_many(write, [[1], [3], [2]])

    assert caught.value.sqlstate == "23503"
    assert caught.value.row_index is None
    assert lane.is_open
    assert await storage.execute("SELECT 1 AS n FROM c WHERE id > 1") == []


async def test_a_value_that_does_not_fit(storage: PostgresStorage) -> None:
    """It is told as ever, and nothing is stored."""
    await lane_for_rows(storage)

    for rows, index in (([[1], ["two"]], 1), ([[1], [2, 3]], 1), ([[1], 2], 1), ([[None]], 0)):
        with pytest.raises(InfrastructureError) as caught:
            await storage.execute_many(INSERT, rows)  # type: ignore[arg-type]

        assert caught.value.row_index == index

    assert await written(storage) == {}


async def test_who_waits_for_a_lock_is_run_alone(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """What it did before it waited is done once; the others do not wait for it."""
    lane = await lane_for(storage, UPDATE, [0, ""])
    await storage.execute_many(INSERT, [[1], [2], [3]])

    with postgres_database.control() as holder, holder.transaction():
        holder.execute("UPDATE t SET name = 'held' WHERE id = 2")
        rows = [[number, f"name {number}"] for number in (1, 2, 3)]
        waiting = asyncio.create_task(storage.execute_many(UPDATE, rows))
        await asyncio.sleep(0)
        # Behind it on the same connection.
        assert lane.load == 1
        await storage.execute(UPDATE, [3, "quick"])
        assert lane.cancels

        with postgres_database.control() as other:
            await until(lambda: waits_for_a_lock(other))

    await waiting
    found = await storage.execute("SELECT name FROM t ORDER BY id")
    assert [row["name"] for row in found] == ["name 1", "name 2", "name 3"]


async def test_one_that_is_cancelled_is_whole_or_nothing(storage: PostgresStorage) -> None:
    """Whenever it is cancelled; the connection goes on for the others."""
    lane = await lane_for_rows(storage)

    for call in range(1, 40, 2):
        task = asyncio.create_task(storage.execute_many(INSERT, [[call], [call + 1]]))

        for _ in range(call % 4):
            await asyncio.sleep(0)

        task.cancel()
        await asyncio.wait({task})
        # What is on its way when nobody waits any more may be done or not.
        await storage.execute(UPDATE, [0, "next"])

    stored = await written(storage)
    assert all((number in stored) == (number + 1 in stored) for number in range(1, 40, 2))
    assert lane.is_open


async def test_a_table_that_was_changed(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """The statement is described anew, and run once."""
    await lane_for(storage, UPDATE, [0, ""])
    await storage.execute_many(INSERT, [[1], [2]])
    alter(
        postgres_database,
        "UPDATE t SET name = NULL",
        "ALTER TABLE t ALTER name TYPE int USING name::int",
    )
    await storage.execute_many(UPDATE, [[1, 11], [2, 22]])
    found = await storage.execute("SELECT name FROM t WHERE id > 0 ORDER BY id")
    assert [row["name"] for row in found] == [11, 22]


@pytest.mark.parametrize("case", ["transaction", "many", "slow", "large", "generator"])
async def test_what_goes_by_a_connection_of_its_own(storage: PostgresStorage, case: str) -> None:
    """A transaction, and what would hold others up."""
    lane = await lane_for_rows(storage)
    rows: Any = [[number] for number in range(1, 4)]

    if case == "transaction":
        async with storage.transaction():
            await storage.execute_many(INSERT, rows)
    elif case == "slow":
        slow = storage._engine.plans.fast[INSERT]
        slow.seconds = 0.003
        await storage.execute_many(INSERT, rows)
    elif case == "large":
        text = "INSERT INTO t (id, name, pid) VALUES ($1, $2, pg_backend_pid())"
        await lane_for(storage, text + " ON CONFLICT (id) DO NOTHING", [0, ""])
        await storage.execute_many(
            text + " ON CONFLICT (id) DO NOTHING", [[n, "x" * 50_000] for n in range(1, 3)]
        )
    elif case == "many":
        await storage.execute_many(INSERT, [[number] for number in range(1, 51)])
    else:
        await storage.execute_many(INSERT, iter(rows))  # type: ignore[arg-type]

    stored = await written(storage)
    assert len(stored) >= 2
    assert lane.pgconn.backend_pid not in stored.values()


async def lane_for_rows(storage: PostgresStorage) -> Any:
    """Return the shared connection that rows of INSERT go by."""
    lane = await lane_for(storage, "SELECT 1 AS n")
    number = 0

    while INSERT not in storage._engine.plans.fast:
        number -= 2
        await storage.execute_many(INSERT, [[number], [number - 1]])

        for plan in storage._engine.plans._plans.values():
            plan.seconds = min(plan.seconds, 0.0)

    return lane
