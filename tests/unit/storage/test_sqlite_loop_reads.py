"""Reads on the event loop: which stay there, and that going the short way changes nothing."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage.sqlite import SQLiteStorage
from infrastructure.storage.sqlite._loop_reader import LoopReader
from infrastructure.storage.sqlite._rows import Plan
from infrastructure.storage.sqlite._settings import Settings, open_connection

LONG = (
    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1) "
    "SELECT max(n) AS most FROM c"
)


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    """One in a file, so that others may write to it."""
    async with SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        await opened.execute("CREATE TABLE t (a INT, b INT)")
        await opened.execute("INSERT INTO t VALUES (1, 2)")
        yield opened


def plan_of(storage: SQLiteStorage, query: str) -> Plan:
    """Return what the storage knows of a query that it ran on the loop."""
    return storage._engine._shortcuts._plans[query]


def add_column(path: Path) -> None:
    """Give the table a column, as another process would."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("ALTER TABLE t ADD COLUMN d INT DEFAULT 3")


@pytest.fixture
def slow_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count a read as slow by its steps alone: a busy machine makes any take long."""
    monkeypatch.setattr("infrastructure.storage.sqlite._loop_reader.LONG", math.inf)


@pytest.mark.usefixtures("slow_by_steps")
async def test_a_query_that_was_slow_twice_rests_and_is_tried_again(
    storage: SQLiteStorage,
) -> None:
    """For a hundred runs it goes to a thread; it is not banned for ever."""
    assert await storage.execute(LONG, [1]) == [{"most": 1}]
    plan = plan_of(storage, LONG)

    for _ in range(2):
        assert await storage.execute(LONG, [5000]) == [{"most": 5000}]

    assert plan.rest == 100

    for left in range(99, -1, -1):
        assert await storage.execute(LONG, [1]) == [{"most": 1}]
        assert plan.rest == left

    assert plan.strikes == 1
    assert await storage.execute(LONG, [1]) == [{"most": 1}]
    assert plan.strikes < 1


@pytest.mark.usefixtures("slow_by_steps")
async def test_a_slow_run_is_forgiven_after_eight_fast_ones(storage: SQLiteStorage) -> None:
    """A busy machine makes any read slow now and then."""
    await storage.execute(LONG, [1])
    await storage.execute(LONG, [5000])
    plan = plan_of(storage, LONG)
    assert plan.strikes == 1

    for _ in range(8):
        await storage.execute(LONG, [1])

    assert plan.strikes == 0
    await storage.execute(LONG, [5000])
    assert plan.rest == 0


async def test_names_follow_a_schema_that_somebody_else_changed(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """SQLite compiles the query anew, and that is noticed."""
    query = "SELECT * FROM t"

    for _ in range(2):
        assert await storage.execute(query) == [{"a": 1, "b": 2}]

    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("ALTER TABLE t RENAME COLUMN b TO c")
        other.execute("ALTER TABLE t ADD COLUMN d INT DEFAULT 3")

    other.close()

    for _ in range(2):
        assert await storage.execute(query) == [{"a": 1, "c": 2, "d": 3}]


async def test_names_follow_the_schema_after_a_read_that_failed(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """It was the one that SQLite compiled anew."""
    query = "SELECT *, json_extract($1, '$') AS j FROM t"
    assert await storage.execute(query, ["7"]) == [{"a": 1, "b": 2, "j": 7}]
    add_column(tmp_path / "a.db")

    with pytest.raises(OperationError, match="malformed JSON"):
        await storage.execute(query, ["no json"])

    assert await storage.execute(query, ["7"]) == [{"a": 1, "b": 2, "d": 3, "j": 7}]


async def test_names_follow_the_schema_where_two_texts_are_one_to_sqlite(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """Both casts are text there: it compiles once for both."""
    queries = (
        "SELECT *, CAST('2024-05-01' AS DATE) AS j FROM t",
        "SELECT *, CAST('2024-05-01' AS UUID) AS j FROM t",
    )

    for query in queries:
        await storage.execute(query)

    add_column(tmp_path / "a.db")

    for query in queries:
        [row] = await storage.execute(query)
        assert list(row) == ["a", "b", "d", "j"]


@pytest.mark.parametrize("params", [[], [1, 2], "1", [2**63], ["a\0b"], ["\ud800"], [1j]], ids=repr)
async def test_wrong_parameters_are_refused_by_the_short_way_too(
    storage: SQLiteStorage, params: list[object]
) -> None:
    """With the same error as at the first call."""
    query = "SELECT a FROM t WHERE a = $1"

    with pytest.raises(ValidationError) as first:
        await storage.execute(query, params)

    await storage.execute(query, [1])
    assert query in storage._engine._shortcuts._plans

    with pytest.raises(ValidationError) as second:
        await storage.execute(query, params)

    assert str(first.value) == str(second.value)


@pytest.mark.usefixtures("slow_by_steps")
@pytest.mark.parametrize("tables", [1, 400], ids=["wide", "many"])
async def test_a_large_schema_keeps_nothing_from_the_loop(
    storage: SQLiteStorage, tables: int
) -> None:
    """Its text is longer than the values, its reading takes more steps, than the loop allows."""
    wide = {f"column_{number}": "NUMERIC(12,4)" for number in range(1000 // (tables + 7))}
    await storage.create_table("wide", {"a": "JSON", **wide})

    async with storage.transaction():
        for number in range(1, tables):
            await storage.execute(f"CREATE TABLE other_{number} (a INT)")

    query = "SELECT a FROM t"

    for _ in range(3):
        assert await storage.execute(query) == [{"a": 1}]

    assert plan_of(storage, query).strikes <= 1
    await storage.execute("INSERT INTO wide (a) VALUES ($1)", ["a text"])
    assert await storage.execute("SELECT a FROM wide") == [{"a": "a text"}]


async def test_the_short_way_is_not_taken_inside_a_transaction(storage: SQLiteStorage) -> None:
    """What the transaction wrote is seen there, and not outside."""
    query = "SELECT count(*) AS n FROM t"
    assert await storage.execute(query) == [{"n": 1}]

    async with storage.transaction():
        await storage.execute("INSERT INTO t VALUES (3, 4)")
        assert await storage.execute(query) == [{"n": 2}]

        async with storage.detached():
            assert await storage.execute(query) == [{"n": 1}]

    assert await storage.execute(query) == [{"n": 2}]


async def test_the_memory_for_texts_is_bounded(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that writes its values into the text does not fill the memory."""
    monkeypatch.setattr("infrastructure.storage.sqlite._shortcuts.CACHED", 3)

    for number in range(8):
        assert await storage.execute(f"SELECT {number} AS n") == [{"n": number}]
        assert len(storage._engine._shortcuts._plans) <= 3


async def test_a_task_that_reads_in_a_loop_lets_others_run(storage: SQLiteStorage) -> None:
    """A read on the loop waits for nothing: without a turn now and then nobody else would run."""
    ran = 0

    async def other() -> None:
        nonlocal ran

        while True:
            ran += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(other())

    for _ in range(2000):
        await storage.execute("SELECT * FROM t")

    beside.cancel()
    assert ran > 1


async def test_its_connection_waits_for_who_has_the_file_alone(tmp_path: Path) -> None:
    """Another connection of the process that is just closing has, for a moment."""
    path = tmp_path / "locked.db"

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (a INT)")
        other.execute("BEGIN EXCLUSIVE")
        opening = asyncio.ensure_future(
            LoopReader.opened(partial(open_connection, Settings(path=path)))
        )
        done, _ = await asyncio.wait({opening}, timeout=0.05)
        assert not done
        other.execute("ROLLBACK")
        reader = await opening

    with closing(reader):
        assert reader.look("SELECT count(*) FROM t") == [(0,)]


async def test_its_connection_waits_for_no_file_that_is_not_there(tmp_path: Path) -> None:
    """What waiting does not help is told at once."""
    with pytest.raises(sqlite3.OperationalError, match="unable to open database file"):
        await LoopReader.opened(partial(open_connection, Settings(path=tmp_path / "missing.db")))
