"""Every method of the storage on SQLite, cancelled at every await."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infrastructure.storage.sqlite import SQLiteStorage

from . import sqlite_scenarios, statement_scenarios, transaction_scenarios
from ._sweep import Scenario, Scenarios, Stage

SCENARIOS = Scenarios(
    [
        *statement_scenarios.SCENARIOS,
        *sqlite_scenarios.SCENARIOS,
        *transaction_scenarios.SCENARIOS,
    ]
)


async def works(storage: SQLiteStorage) -> None:
    """A table, a write, a transaction and a read."""
    await storage.create_table("works", {"n": int})
    await storage.execute("DELETE FROM works")

    async with storage.transaction():
        await storage.execute("INSERT INTO works (n) VALUES ($1)", [1])

    assert await storage.execute("SELECT n FROM works") == [{"n": 1}]


def held(storage: SQLiteStorage) -> dict[str, Any]:
    """Return what is still there of operations that have ended, in us and in the database."""
    engine = storage._engine
    return {
        "transactions": engine.transactions.roots,
        "background": len(engine.transactions._tasks),
        "holder": engine.writer._holder,
        "queue": engine.writer._queue,
        "jobs": [worker for worker in engine._workers if worker.load],
        "streams": engine._workers - {engine.writer.worker, *engine.readers._shared},
        "connecting": storage._waiting,
        "locks": locks(storage),
    }


def locks(storage: SQLiteStorage) -> str:
    """Return why another process could not write, or not clear the log that readers hold."""
    assert storage._options.path is not None

    with closing(sqlite3.connect(storage._options.path, timeout=0, isolation_level=None)) as con:
        try:
            con.execute("BEGIN IMMEDIATE")
            con.execute("ROLLBACK")
            busy, *_ = con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as exc:
            return str(exc)

    return "a reader holds the log" if busy else ""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    numbers = count()
    return Stage(
        lambda: SQLiteStorage(f"sqlite:///{tmp_path / f'{next(numbers)}.db'}"), works, held
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_cancelled_operation_leaves_nothing(scenario: Scenario, stage: Stage) -> None:
    """The cancellation comes out, nothing leaks, nothing is torn, and the storage works."""
    await stage.sweep(scenario)


def test_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(SQLiteStorage)

    class Larger(SQLiteStorage):
        async def vacuum(self) -> None: ...

    assert SCENARIOS.missing(Larger) == {"vacuum"}
