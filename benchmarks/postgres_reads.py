"""How fast does PostgresStorage read one row by its key, by one task and by many at once?

The table has 100,000 rows: ``id`` BIGINT PRIMARY KEY, ``at`` TIMESTAMPTZ, ``name`` TEXT,
``value`` DOUBLE PRECISION, ``n`` INTEGER. Nobody has more than ten connections. Ours gives dicts;
each peer the rows of its own kind, which are not turned into anything: ``asyncpg.Pool.fetch``;
asyncpg's connections from a queue of one's own, which never resets them; psycopg's pool in
autocommit mode; SQLAlchemy Core on asyncpg with AUTOCOMMIT, its statement built once; databases,
``fetch_all``. All prepare their statements. Before the clock runs each gives all rows, and they are right.

With ``1ms`` in the name a proxy in a process of its own makes a round trip last at least so long.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure import open_storage

from ._database import readings
from ._delay import delayed
from ._loops import uvloop
from ._postgres import (
    asyncpg_lifo,
    asyncpg_pool,
    encode_databases,
    psycopg_pool,
    server,
    sqlalchemy_core,
)
from ._question import OURS, Contender, Question, Work
from ._tasks import shared_among

__all__ = ["QUESTIONS"]

_ROWS = readings(100_000)
_OPERATIONS = 4000
_FEWER = 2000
_TABLE = (
    "CREATE TABLE readings (id bigint PRIMARY KEY, at timestamptz NOT NULL, name text NOT NULL, "
    "value double precision NOT NULL, n integer NOT NULL)"
)
_QUERY = "SELECT id, at, name, value, n FROM readings WHERE id = {}"

Read = Callable[[int], Awaitable[Any]]
Reader = Callable[[str], AbstractAsyncContextManager[Read]]
_IDS = random.Random(5).choices(range(len(_ROWS)), k=_OPERATIONS)


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Read]:
    query = _QUERY.format("$1")

    async with open_storage(url) as storage:

        async def read(id_: int) -> Any:
            return await storage.execute(query, [id_])

        yield read


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Read]:
    query = _QUERY.format("$1")

    async with asyncpg_pool(url) as pool:

        async def read(id_: int) -> Any:
            return await pool.fetch(query, id_)

        yield read


@asynccontextmanager
async def _lifo(url: str) -> AsyncIterator[Read]:
    query = _QUERY.format("$1")

    async with asyncpg_lifo(url) as free:

        async def read(id_: int) -> Any:
            con = await free.get()

            try:
                return await con.fetch(query, id_)
            finally:
                free.put_nowait(con)

        yield read


@asynccontextmanager
async def _psycopg(url: str) -> AsyncIterator[Read]:
    query = _QUERY.format("%s")

    async with psycopg_pool(url) as pool:

        async def read(id_: int) -> Any:
            async with pool.connection() as con:
                return await (await con.execute(query, (id_,))).fetchall()

        yield read


@asynccontextmanager
async def _sqlalchemy(url: str) -> AsyncIterator[Read]:
    import sqlalchemy as sa

    names = ("id", "at", "name", "value", "n")
    table = sa.table("readings", *map(sa.column, names))
    query = sa.select(table).where(table.c.id == sa.bindparam("id_", type_=sa.BigInteger))

    async with sqlalchemy_core(url) as engine:

        async def read(id_: int) -> Any:
            async with engine.connect() as con:
                return (await con.execute(query, {"id_": id_})).fetchall()

        yield read


@asynccontextmanager
async def _databases(url: str) -> AsyncIterator[Read]:
    query = _QUERY.format(":id")

    async with encode_databases(url) as database:

        async def read(id_: int) -> Any:
            return await database.fetch_all(query, {"id": id_})

        yield read


_CONTENDERS: dict[str, Reader] = {
    OURS: _ours,
    "asyncpg.Pool": _pool,
    "asyncpg, queue by hand": _lifo,
    "psycopg_pool": _psycopg,
    "SQLAlchemy Core": _sqlalchemy,
    "databases": _databases,
}


@asynccontextmanager
async def _filled() -> AsyncIterator[str]:
    """Give the URL of a server with the table, ready to be read."""
    import asyncpg

    async with server(_TABLE) as url:
        con = await asyncpg.connect(url)
        records = [(id_, *row) for id_, row in enumerate(_ROWS)]
        await con.copy_records_to_table("readings", records=records)
        await con.execute("VACUUM (ANALYZE, FREEZE) readings")
        await con.close()
        yield url


async def _check(read: Read, tasks: int) -> None:
    """Every answer is its own row, however many are under way."""

    async def one(id_: int) -> None:
        (row,) = await read(id_)
        values = tuple(row.values() if hasattr(row, "values") else row)
        assert values == (id_, *_ROWS[id_]), f"row {id_} came as {values}"

    await shared_among(tasks, _IDS, one)


def _contender(name: str, reader: Reader, tasks: int, round_trip: float) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with _filled() as url, delayed(url, round_trip) as way, reader(way) as read:
            await _check(read, tasks)

            async def run(operations: int) -> None:
                await shared_among(tasks, _IDS[:operations], read)

            yield Work(run=run)

    return Contender(name=name, open=opened)


def _question(
    tasks: int,
    targets: dict[str, float],
    round_trip: float = 0,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Question:
    far = f", {round_trip * 1000:g} ms a round trip" if round_trip else ""
    return Question(
        name=f"postgres-read-{tasks}{'-1ms' if round_trip else ''}{'-uvloop' if loop else ''}",
        asks=f"PostgresStorage.execute of a point read, {tasks} task{'s' if tasks > 1 else ''}"
        f"{far}{' on uvloop' if loop else ''}",
        contenders=tuple(
            _contender(name, reader, tasks, round_trip) for name, reader in _CONTENDERS.items()
        ),
        operations=_FEWER if tasks == 1 else _OPERATIONS,
        targets=targets,
        turn=tasks,
        stall=0.015,
        loop=loop,
    )


QUESTIONS = (
    _question(50, {"asyncpg.Pool": 3.0, "asyncpg, queue by hand": 1.3, "SQLAlchemy Core": 7.0}),
    _question(50, {"asyncpg.Pool": 5.0}, round_trip=0.001),
    _question(1, {"asyncpg.Pool": 2.0}),
    _question(50, {"asyncpg.Pool": 3.0}, loop=uvloop),
)
