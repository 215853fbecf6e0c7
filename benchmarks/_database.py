"""The rows, the tables and the files of the storage benchmarks."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

__all__ = [
    "PLAIN_TABLE",
    "SCHEMA",
    "Row",
    "by_hand",
    "empty",
    "folder",
    "open_plainly",
    "pragmas",
    "readings",
]

Row = tuple[datetime, str, float, int]

SCHEMA: Final[dict[str, Any]] = {
    "at": "TIMESTAMPTZ NOT NULL",
    "name": "TEXT NOT NULL",
    "value": "DOUBLE PRECISION NOT NULL",
    "n": "INTEGER NOT NULL",
}
"""Readings of a sensor, as ours declares them: every column checks its type."""

PLAIN_TABLE = (
    "CREATE TABLE readings "
    "(at TEXT NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, n INTEGER NOT NULL)"
)
"""The same as a user of sqlite3 would write it: nothing but NOT NULL is checked."""


def readings(count: int) -> list[Row]:
    """Return rows, always the same ones."""
    numbers = random.Random(1)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    step = timedelta(milliseconds=37)
    return [
        (begin + step * n, f"sensor-{n % 997}", numbers.random() * 100, n) for n in range(count)
    ]


def by_hand(rows: Iterable[Row]) -> Iterator[tuple[str, str, float, int]]:
    """Give rows as sqlite3 takes them: the time as text that sorts."""
    return ((at.isoformat(timespec="microseconds"), name, value, n) for at, name, value, n in rows)


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder beside the tree: a temporary one may be in memory, where nothing is durable."""
    root = Path(__file__).resolve().parents[1] / "build"
    root.mkdir(exist_ok=True)

    with tempfile.TemporaryDirectory(prefix="bench-", dir=root) as name:
        yield Path(name)


def open_plainly(path: Path, synchronous: str = "NORMAL") -> sqlite3.Connection:
    """Return a connection of sqlite3 with the settings of ours."""
    con = sqlite3.connect(path, isolation_level=None, cached_statements=512)

    for pragma in pragmas(synchronous):
        con.execute(pragma)

    return con


def pragmas(synchronous: str) -> tuple[str, ...]:
    """Return the settings of every contender: write-ahead log, and when it is synced."""
    return ("PRAGMA journal_mode=WAL", f"PRAGMA synchronous={synchronous}")


def empty(path: Path) -> None:
    """Delete all rows, and the log, so that each run begins alike."""
    with closing(open_plainly(path)) as con:
        con.execute("DELETE FROM readings")
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
