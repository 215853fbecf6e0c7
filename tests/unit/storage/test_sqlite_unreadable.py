"""Rows that cannot be read: they fail their statement, and an error that is kept holds nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import OperationError, ValidationError
from infrastructure.storage.sqlite import SQLiteStorage

COUNT = "SELECT count(*) AS n FROM t"
WRITE = "INSERT INTO t VALUES ($1, CAST($2 AS TEXT)) RETURNING b"


@pytest.fixture(params=[True, False], ids=["on the loop", "on threads"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    """One whose table has a text that is not UTF-8, as another program may have written it."""
    url, inline = f"sqlite:///{tmp_path / 'a.db'}", request.param

    async with SQLiteStorage(url, inline_reads=inline, deadline=2.0) as opened:
        await opened.execute("CREATE TABLE t (a INT, b TEXT)")
        await opened.execute("INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT))")
        yield opened


async def test_a_read_that_failed_leaves_no_old_snapshot(storage: SQLiteStorage) -> None:
    """What is written after it is read after it."""
    with pytest.raises(OperationError, match="UTF-8"):
        await storage.execute("SELECT b FROM t")

    with pytest.raises(OperationError, match="UTF-8") as kept:
        await storage.execute("SELECT b FROM t")

    assert (kept.value.sqlstate, kept.value.outcome) == ("22021", "not_applied")
    await storage.execute("CREATE TABLE other (a INT)")
    await storage.execute("INSERT INTO t VALUES ($1, 'x')", [2])
    assert await storage.execute(COUNT) == [{"n": 2}]
    assert kept.value.__traceback__ is not None


async def test_an_error_of_a_converter_passes_through(
    storage: SQLiteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may have registered its own, which are its own code; it leaves no snapshot."""
    await storage.execute("CREATE TABLE points (p POINT)")
    await storage.execute("INSERT INTO points VALUES ('nowhere')")
    monkeypatch.setitem(sqlite3.converters, "POINT", {}.__getitem__)

    with pytest.raises(KeyError) as kept:
        await storage.execute("SELECT p FROM points")

    await storage.execute("INSERT INTO t VALUES (2, 'x')")
    assert await storage.execute(COUNT) == [{"n": 2}]
    assert kept.value.__traceback__ is not None


async def test_a_write_whose_rows_cannot_be_read_holds_nobody_up(storage: SQLiteStorage) -> None:
    """SQLite commits nothing while a statement that wrote still has rows to give."""
    assert await storage.execute(WRITE, [2, b"fine"]) == [{"b": "fine"}]

    with pytest.raises(OperationError, match="UTF-8") as kept:
        await storage.execute(WRITE, [3, b"\xff"])

    await storage.execute("INSERT INTO t VALUES (4, 'x')")
    assert await storage.execute("SELECT a FROM t") == [{"a": 1}, {"a": 2}, {"a": 4}]
    assert kept.value.__traceback__ is not None


async def test_a_stream_that_was_refused_holds_nothing(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """Its transaction goes on, and the writer's next one sees what others wrote."""
    async with storage.transaction():
        with pytest.raises(ValidationError, match="several columns") as kept:
            await anext(aiter(storage.stream("SELECT a, a FROM t")))

    with closing(sqlite3.connect(tmp_path / "a.db")) as other, other:
        other.execute("INSERT INTO t VALUES (2, 'other')")

    await storage.execute("INSERT INTO t VALUES (3, 'x')")
    await storage.execute("VACUUM")
    assert await storage.execute(COUNT) == [{"n": 3}]
    assert kept.value.__traceback__ is not None
