"""How fast does SQLiteStorage read one row by its key?

The table has 100,000 rows: ``id`` BIGINT PRIMARY KEY, ``at`` TIMESTAMPTZ, ``name`` TEXT,
``value`` DOUBLE PRECISION, ``n`` INTEGER; the row comes as a dict with an aware ``datetime``.
All read the same table, made by ours. The peers' dicts are written out by hand, as somebody
would who knows the table. sqlite3 is called synchronously: it holds its program for every read,
however long. aiosqlite is called by ``execute_fetchall``, its shortest way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

from infrastructure.storage.sqlite import SQLiteStorage

from ._database import SCHEMA, folder, open_plainly, pragmas, readings
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_ROWS = 100_000
_OPERATIONS = 4000
_QUERY = "SELECT id, at, name, value, n FROM readings WHERE id = {}"

Read = Callable[[int], Awaitable[object]]
Reader = Callable[[Path], AbstractAsyncContextManager[Read]]
_IDS = random.Random(5).choices(range(_ROWS), k=_OPERATIONS)


def _typed(found: Any) -> list[dict[str, Any]]:
    return [
        {"id": id_, "at": datetime.fromisoformat(at), "name": name, "value": value, "n": n}
        for id_, at, name, value, n in found
    ]


@asynccontextmanager
async def _ours(path: Path) -> AsyncIterator[Read]:
    query = _QUERY.format("$1")

    async with SQLiteStorage(f"sqlite:///{path}") as storage:

        async def read(id_: int) -> list[dict[str, Any]]:
            return await storage.execute(query, [id_])

        yield read


@asynccontextmanager
async def _aiosqlite(path: Path) -> AsyncIterator[Read]:
    import aiosqlite

    query = _QUERY.format("?")

    async with aiosqlite.connect(path, isolation_level=None, cached_statements=512) as con:
        for pragma in pragmas("NORMAL"):
            await con.execute(pragma)

        async def read(id_: int) -> list[dict[str, Any]]:
            return _typed(await con.execute_fetchall(query, (id_,)))

        yield read


async def _fill(path: Path) -> None:
    async with SQLiteStorage(f"sqlite:///{path}") as storage:
        await storage.create_table("readings", {"id": "BIGINT PRIMARY KEY", **SCHEMA})
        await storage.execute_many(
            "INSERT INTO readings (id, at, name, value, n) VALUES ($1, $2, $3, $4, $5)",
            [[n, *row] for n, row in enumerate(readings(_ROWS))],
        )


def _contender(name: str, reader: Reader, tasks: int) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        with folder() as where:
            path = where / "readings.db"
            await _fill(path)

            async with reader(path) as read:

                async def one(ids: list[int]) -> None:
                    for id_ in ids:
                        await read(id_)

                async def run(operations: int) -> None:
                    ids = _IDS[:operations]

                    if tasks == 1:
                        await one(ids)
                    else:
                        await asyncio.gather(*(one(ids[n::tasks]) for n in range(tasks)))

                yield Work(run=run)

    return Contender(name=name, open=opened)


def _sqlite3() -> Contender:
    """Return the contender without asyncio: a plain loop, whatever the number of tasks."""
    query = _QUERY.format("?")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        with folder() as where:
            path = where / "readings.db"
            await _fill(path)

            with closing(open_plainly(path)) as con:

                async def run(operations: int) -> None:
                    for id_ in _IDS[:operations]:
                        _typed(con.execute(query, (id_,)))

                yield Work(run=run)

    return Contender(name="sqlite3", open=opened)


def _question(tasks: int, targets: dict[str, float]) -> Question:
    return Question(
        name=f"sqlite-read-{tasks}",
        asks=f"SQLiteStorage.execute of a point read, {tasks} task{'s' if tasks > 1 else ''}",
        contenders=(
            _contender(OURS, _ours, tasks),
            _sqlite3(),
            _contender("aiosqlite", _aiosqlite, tasks),
        ),
        operations=_OPERATIONS,
        targets=targets,
        turn=tasks,
    )


QUESTIONS = (
    _question(1, {"sqlite3": 0.75, "aiosqlite": 5.0}),
    _question(50, {"aiosqlite": 3.0}),
)
