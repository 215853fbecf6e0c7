"""A write whose table somebody else has changed meanwhile is made anew for the new columns."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure.interfaces import TimeoutError, ValidationError
from infrastructure.storage.sqlite import SQLiteStorage

INSERT = "INSERT INTO t (a) VALUES ($1)"


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    """One whose table takes integers, and which has written one."""
    async with SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}") as opened:
        await opened.create_table("t", {"a": "BIGINT"})
        await opened.execute(INSERT, [1])
        yield opened


def recreate(path: Path, declared: str) -> None:
    """Give the column another type, as another process would."""
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TABLE t")
        other.execute(f"CREATE TABLE t (a {declared})")


@pytest.mark.parametrize("writers", [1, 20])
async def test_parameters_are_made_for_the_columns_of_now(
    tmp_path: Path, storage: SQLiteStorage, writers: int
) -> None:
    """One write, and a group of them that shares a commit."""
    recreate(tmp_path / "a.db", "DECIMAL_TEXT")
    await asyncio.gather(*(storage.execute(INSERT, [7]) for _ in range(writers)))

    with closing(sqlite3.connect(tmp_path / "a.db")) as other:
        assert other.execute("SELECT a FROM t").fetchall() == [("7",)] * writers


async def test_what_the_new_column_does_not_take_is_refused(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """The write had begun already, as one of the old type: it is not applied."""
    await storage.execute(INSERT, [2])
    recreate(tmp_path / "a.db", "TEXT")

    with pytest.raises(ValidationError):
        await storage.execute(INSERT, [3])

    await storage.execute(INSERT, ["four"])
    assert await storage.execute("SELECT a FROM t") == [{"a": "four"}]


async def test_a_plan_is_made_anew_once_for_all_who_use_it(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """A thousand of them would hold the event loop for a third of a second."""
    recreate(tmp_path / "a.db", "BIGINT")
    seen: list[str] = []
    storage._engine.readers.here._con.set_trace_callback(seen.append)
    await asyncio.gather(*(storage.execute(INSERT, [n]) for n in range(20)))
    assert sum("pragma_table_xinfo" in text for text in seen) == 1


async def test_a_plan_that_stays_stale_ends_with_its_deadline(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """Somebody has put another file in the place of ours: the writer, renewed, is on that one."""
    path = tmp_path / "a.db"

    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).rename(tmp_path / f"old{suffix}")

    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE t (a INT)")
        other.execute("CREATE TABLE u (a INT)")

    async with storage.transaction():
        await storage.execute("PRAGMA cache_size = 77")

    # No block: each attempt of a call would have the default anew.
    storage._engine.deadline = 0.1

    async with asyncio.timeout(2):
        outcomes = await asyncio.gather(
            *(storage.execute(INSERT, [n]) for n in range(3)), return_exceptions=True
        )

    assert {type(outcome) for outcome in outcomes} == {TimeoutError}
    assert {outcome.outcome for outcome in outcomes} == {"not_applied"}


async def test_our_own_change_of_the_schema_is_noticed_too(storage: SQLiteStorage) -> None:
    """In order: a write that was called after it is made for it."""
    await storage.execute("DROP TABLE t")
    await storage.create_table("t", {"a": "TEXT"})

    with pytest.raises(ValidationError):
        await storage.execute(INSERT, [4])

    await storage.execute(INSERT, ["four"])
    assert await storage.execute("SELECT a FROM t") == [{"a": "four"}]
