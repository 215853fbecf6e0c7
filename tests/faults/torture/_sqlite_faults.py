"""What befalls a SQLite file, drawn from a seed: others who use it at the same time."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

from ._calls import TABLE
from ._plan import Moment

__all__ = ["SQLiteFaults", "cancelled_in_commit"]


@asynccontextmanager
async def cancelled_in_commit(when: Moment) -> AsyncIterator[None]:
    """Cancel who makes a COMMIT inside the block: there is no network to cut."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    cancelling = loop.call_later(when.seconds / 10 or when.turns / 10_000, task.cancel)

    try:
        yield
    finally:
        cancelling.cancel()


class SQLiteFaults:
    """Is another program that holds the file's locks, until ``stop``; ``events`` counts what it did."""

    def __init__(self, path: Path, rng: random.Random, events: Counter[str]) -> None:
        self._path, self._rng, self._events = path, rng, events
        self._running = True
        self._kinds: tuple[tuple[str, Callable[[sqlite3.Connection], None], float], ...] = (
            ("foreign writer", self._write, 0.1),
            ("locked", self._lock, 0.7),
            ("foreign reader", self._read, 0.3),
            ("checkpoint", self._checkpoint, 0.01),
            ("another schema", self._alter, 0.05),
        )

    async def run(self) -> None:
        """Go on until ``stop``; the locks are free afterwards."""
        while self._running:
            name, begin, longest = self._rng.choice(self._kinds)

            with closing(sqlite3.connect(self._path, timeout=0.01, isolation_level=None)) as con:
                # The storage may hold the lock itself.
                with suppress(sqlite3.OperationalError):
                    begin(con)
                    self._events[name] += 1

                await asyncio.sleep(self._rng.uniform(0, longest))

                if con.in_transaction:
                    con.execute("ROLLBACK")

            await asyncio.sleep(self._rng.uniform(0, 0.06))

    def stop(self) -> None:
        """End with what it is at."""
        self._running = False

    def _lock(self, con: sqlite3.Connection) -> None:
        con.execute("BEGIN IMMEDIATE")

    def _write(self, con: sqlite3.Connection) -> None:
        self._lock(con)
        con.execute(f"INSERT INTO {TABLE} (id, unit) VALUES (-1, 0)")

    def _read(self, con: sqlite3.Connection) -> None:
        con.execute("BEGIN")
        con.execute(f"SELECT count(*) FROM {TABLE}").fetchall()

    def _checkpoint(self, con: sqlite3.Connection) -> None:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _alter(self, con: sqlite3.Connection) -> None:
        con.execute("CREATE TABLE other (n)")
        con.execute("DROP TABLE other")
