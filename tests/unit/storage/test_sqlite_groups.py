"""Writes that share a commit: what one of them does is as if it were alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure import IntegrityError, OperationError, TimeoutError, deadline
from infrastructure.storage.sqlite import SQLiteStorage


@pytest.fixture
async def storage() -> AsyncIterator[SQLiteStorage]:
    """A temporary storage with a table of one unique number."""
    async with SQLiteStorage() as made:
        await made.create_table("t", {"n": "BIGINT PRIMARY KEY"})
        yield made


async def among_others(
    storage: SQLiteStorage, statement: str, params: list[object] | None = None
) -> object:
    """Return the outcome of a statement between two others, which must not be touched by it."""
    other = "INSERT INTO t (n) VALUES ($1)"
    first, outcome, last = await asyncio.gather(
        storage.execute(other, [100]),
        storage.execute(statement, params),
        storage.execute(other, [101]),
        return_exceptions=True,
    )
    assert first == last == []
    return outcome


async def numbers(storage: SQLiteStorage) -> list[int]:
    """Return what is committed."""
    return [row["n"] for row in await storage.execute("SELECT n FROM t ORDER BY n")]


async def test_a_statement_that_fails_half_way_leaves_nothing(storage: SQLiteStorage) -> None:
    """OR FAIL keeps the rows before the bad one, for a transaction that goes on: here none does."""
    outcome = await among_others(storage, "INSERT OR FAIL INTO t (n) VALUES (1), (2), (1)")
    assert isinstance(outcome, IntegrityError)
    assert outcome.outcome == "not_applied"
    assert await numbers(storage) == [100, 101]


@pytest.mark.parametrize("moment", ["BEFORE", "AFTER"])
async def test_a_trigger_that_fails_leaves_nothing(storage: SQLiteStorage, moment: str) -> None:
    """RAISE(FAIL) keeps what came before it, rows that the trigger itself wrote among them."""
    await storage.execute("CREATE TABLE log (n BIGINT)")
    await storage.execute(
        f"CREATE TRIGGER seven {moment} INSERT ON t WHEN NEW.n = 7 BEGIN "
        "INSERT INTO log VALUES (NEW.n); SELECT RAISE(FAIL, 'seven'); END"
    )
    outcome = await among_others(storage, "INSERT INTO t (n) VALUES (7)")
    assert isinstance(outcome, IntegrityError)
    assert await numbers(storage) == [100, 101]
    assert await storage.execute("SELECT n FROM log") == []


async def test_a_write_whose_rows_cannot_be_read_leaves_nothing(storage: SQLiteStorage) -> None:
    """Its rows are there when they are read: the error comes after the change."""
    text = "INSERT INTO t (n) VALUES ($1) RETURNING CAST($2 AS TEXT) AS c"
    assert await storage.execute(text, [1, b"seen"]) == [{"c": "seen"}]
    outcome = await among_others(storage, text, [2, b"\xff"])
    assert isinstance(outcome, OperationError)
    assert await numbers(storage) == [1, 100, 101]


async def test_a_wait_for_another_process_ends_at_each_ones_deadline(tmp_path: Path) -> None:
    """One by one they wait for its lock: who has not begun is told that nothing was applied."""
    path = tmp_path / "a.db"

    async def write(storage: SQLiteStorage, seconds: float) -> None:
        with deadline(seconds):
            await storage.execute("INSERT INTO t (n) VALUES (1)")

    async with SQLiteStorage(f"sqlite:///{path}") as storage:
        await storage.create_table("t", {"n": "BIGINT"})

        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            outcomes = await asyncio.gather(
                *(write(storage, seconds) for seconds in (0.2, 0.1, 0.15)), return_exceptions=True
            )

        assert {type(outcome) for outcome in outcomes} == {TimeoutError}
        assert {outcome.outcome for outcome in outcomes} == {"not_applied"}
        assert all(outcome.retryable for outcome in outcomes)
        assert await numbers(storage) == []
