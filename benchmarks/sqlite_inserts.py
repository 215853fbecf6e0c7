"""How many durable single-row inserts a second do 50 tasks get from SQLite?

Each task inserts a row, and goes on when it is committed. Write-ahead log everywhere, once with
``synchronous=NORMAL`` (synced at checkpoints) and once with ``FULL`` (synced at every commit).
Ours commits together what waits together. aiosqlite has one connection for all tasks, as its
users do, and each of its inserts is followed by a commit, which commits what others have
inserted meanwhile, too: nobody's commit is his own. Beside it stands aiosqlite in autocommit
mode, one way to its thread instead of two, and a commit for each row. Their rows are converted by hand, and their table checks nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from infrastructure.storage.sqlite import SQLiteStorage

from ._database import PLAIN_TABLE, SCHEMA, Row, by_hand, empty, folder, pragmas, readings
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_TASKS = 50
_OPERATIONS = 2000
_ROWS = readings(_OPERATIONS)
_INSERT = "INSERT INTO readings (at, name, value, n) VALUES ({})"

Insert = Callable[[Row], Awaitable[object]]
Table = Callable[[Path, str], AbstractAsyncContextManager[Insert]]


@asynccontextmanager
async def _ours(path: Path, synchronous: str) -> AsyncIterator[Insert]:
    query = _INSERT.format("$1, $2, $3, $4")

    async with SQLiteStorage(f"sqlite:///{path}", pragmas={"synchronous": synchronous}) as storage:
        await storage.create_table("readings", SCHEMA)

        async def insert(row: Row) -> None:
            await storage.execute(query, list(row))

        yield insert


@asynccontextmanager
async def _aiosqlite(path: Path, synchronous: str, *, autocommit: bool) -> AsyncIterator[Insert]:
    import aiosqlite

    query = _INSERT.format("?, ?, ?, ?")

    async with aiosqlite.connect(path, **({"isolation_level": None} if autocommit else {})) as con:
        for statement in (*pragmas(synchronous), PLAIN_TABLE):
            await con.execute(statement)

        async def insert(row: Row) -> None:
            await con.execute(query, next(by_hand([row])))

            if not autocommit:
                await con.commit()

        yield insert


def _contender(
    name: str, table: Table, synchronous: str, operations: int | None = None
) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        with folder() as where:
            path = where / "readings.db"

            async with table(path, synchronous) as insert:

                async def each(rows: list[Row]) -> None:
                    for row in rows:
                        await insert(row)

                async def run(operations: int) -> None:
                    rows = _ROWS[:operations]
                    await asyncio.gather(*(each(rows[n::_TASKS]) for n in range(_TASKS)))

                async def reset() -> None:
                    empty(path)

                yield Work(run=run, reset=reset)

    return Contender(name=name, open=opened, operations=operations)


def _question(synchronous: str, target: float, few: int | None = None) -> Question:
    shared, own = (partial(_aiosqlite, autocommit=autocommit) for autocommit in (False, True))
    return Question(
        name=f"sqlite-insert-{synchronous.lower()}",
        asks=f"SQLiteStorage.execute of durable inserts, {_TASKS} tasks, synchronous={synchronous}",
        contenders=(
            _contender(OURS, _ours, synchronous),
            _contender("aiosqlite", shared, synchronous),
            _contender("aiosqlite, autocommit", own, synchronous, few),
        ),
        operations=_OPERATIONS,
        targets={"aiosqlite": target, "aiosqlite, autocommit": target},
        turn=_OPERATIONS,
    )


# A sync for each row takes its time on a real disk.
QUESTIONS = (_question("NORMAL", 10.0), _question("FULL", 15.0, few=200))
