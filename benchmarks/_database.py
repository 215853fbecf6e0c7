"""The rows and the files of the storage benchmarks."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

__all__ = ["empty", "folder", "plain_connection", "rows", "settings"]


def rows(count: int) -> list[tuple[datetime, str, float, int]]:
    """Return readings of a sensor: ``at``, ``name``, ``value``, ``n``; always the same ones."""
    numbers = random.Random(1)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    return [
        (
            begin + timedelta(milliseconds=37 * n),
            f"sensor-{n % 997}",
            numbers.random() * 100,
            n,
        )
        for n in range(count)
    ]


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder beside the tree: a temporary one may be in memory, where nothing is durable."""
    root = Path(__file__).resolve().parents[1] / "build"
    root.mkdir(exist_ok=True)

    with tempfile.TemporaryDirectory(prefix="bench-", dir=root) as name:
        yield Path(name)


def plain_connection(path: Path, synchronous: str = "NORMAL") -> sqlite3.Connection:
    """Return a connection with the settings that ours has."""
    con = sqlite3.connect(path, isolation_level=None, cached_statements=512)

    for pragma in settings(synchronous):
        con.execute(pragma)

    return con


def settings(synchronous: str) -> tuple[str, ...]:
    """Return the pragmas for every contender: write-ahead log, and when it is synced."""
    return ("PRAGMA journal_mode=WAL", f"PRAGMA synchronous={synchronous}")


def empty(path: Path, table: str) -> None:
    """Delete all rows and the log's, so that each run begins alike."""
    with closing(plain_connection(path)) as con:
        con.execute(f"DELETE FROM {table}")
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
