"""How fast does SQLiteStorage.execute_many store 100,000 rows?

All or nothing, into an empty table without an index. sqlite3 is called as a good engineer would:
``executemany`` in one transaction, the time converted by hand in a generator. Its table checks
nothing; beside it stands sqlite3 on the table that ours has made, whose columns check their
types: what is then left between the two is ours alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from infrastructure.storage.sqlite import SQLiteStorage

from ._database import PLAIN_TABLE, SCHEMA, by_hand, empty, folder, open_plainly, readings
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_ROWS = readings(100_000)
# As the contract takes them, made before the clock runs.
_LISTS = [list(row) for row in _ROWS]
_INSERT = "INSERT INTO readings (at, name, value, n) VALUES ({})"


def _resetting(path: Path) -> Work:
    """Return the work of sqlite3 on a table that is there."""

    async def reset() -> None:
        empty(path)

    async def run(operations: int) -> None:
        with closing(open_plainly(path)) as con:
            con.execute("BEGIN IMMEDIATE")
            con.executemany(_INSERT.format("?, ?, ?, ?"), by_hand(_ROWS[:operations]))
            con.execute("COMMIT")

    return Work(run=run, reset=reset)


@asynccontextmanager
async def _ours() -> AsyncIterator[Work]:
    with folder() as where:
        path = where / "readings.db"

        async with SQLiteStorage(f"sqlite:///{path}") as storage:
            await storage.create_table("readings", SCHEMA)
            query = _INSERT.format("$1, $2, $3, $4")

            async def run(operations: int) -> None:
                await storage.execute_many(query, _LISTS[:operations])

            yield Work(run=run, reset=_resetting(path).reset)


@asynccontextmanager
async def _sqlite3() -> AsyncIterator[Work]:
    with folder() as where:
        path = where / "readings.db"

        with closing(open_plainly(path)) as con:
            con.execute(PLAIN_TABLE)

        yield _resetting(path)


@asynccontextmanager
async def _sqlite3_checked() -> AsyncIterator[Work]:
    with folder() as where:
        path = where / "readings.db"

        async with SQLiteStorage(f"sqlite:///{path}") as storage:
            await storage.create_table("readings", SCHEMA)

        yield _resetting(path)


QUESTIONS = (
    Question(
        name="sqlite-bulk",
        asks="SQLiteStorage.execute_many, rows a second of 100,000",
        contenders=(
            Contender(name=OURS, open=_ours),
            Contender(name="sqlite3", open=_sqlite3),
            Contender(name="sqlite3, our table", open=_sqlite3_checked),
        ),
        operations=len(_ROWS),
        targets={"sqlite3": 0.8},
        turn=len(_ROWS),
    ),
)
