"""How many durable single-row inserts a second do 50 tasks get from PostgresStorage?

Each task inserts a row and goes on when it is committed and on the disk (``fsync`` and ``synchronous_commit`` are
on). Ours stands here twice: as one opens it for that (``group_commit=True``: what waits together
is committed together), and as it is by itself, each statement its own commit. Nobody has more
than ten connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from infrastructure import open_storage

from ._database import Row, readings
from ._loops import uvloop
from ._postgres import (
    asyncpg_lifo,
    asyncpg_pool,
    encode_databases,
    psycopg_pool,
    server,
    sqlalchemy_core,
)
from ._postgres_rows import COLUMNS, INSERT, TABLE, emptying, stored
from ._question import OURS, Contender, Question, Work
from ._tasks import shared_among

__all__ = ["QUESTIONS"]

_TASKS = 50
_OPERATIONS = 2000
_ROWS = readings(_OPERATIONS)
_QUERY = INSERT.format("$1, $2, $3, $4")

Insert = Callable[[Row], Awaitable[object]]
Writer = Callable[[str], AbstractAsyncContextManager[Insert]]


@asynccontextmanager
async def _ours(url: str, **options: bool) -> AsyncIterator[Insert]:
    async with open_storage(url, **options) as storage:
        yield lambda row: storage.execute(_QUERY, list(row))


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Insert]:
    async with asyncpg_pool(url) as pool:
        yield lambda row: pool.execute(_QUERY, *row)


@asynccontextmanager
async def _lifo(url: str) -> AsyncIterator[Insert]:
    async with asyncpg_lifo(url) as free:

        async def insert(row: Row) -> None:
            con = await free.get()

            try:
                await con.execute(_QUERY, *row)
            finally:
                free.put_nowait(con)

        yield insert


@asynccontextmanager
async def _psycopg(url: str) -> AsyncIterator[Insert]:
    query = INSERT.format("%s, %s, %s, %s")

    async with psycopg_pool(url) as pool:

        async def insert(row: Row) -> None:
            async with pool.connection() as con:
                await con.execute(query, row)

        yield insert


@asynccontextmanager
async def _sqlalchemy(url: str) -> AsyncIterator[Insert]:
    import sqlalchemy as sa

    types = (sa.DateTime(timezone=True), sa.Text, sa.Double, sa.Integer)
    columns = [sa.column(name, kind) for name, kind in zip(COLUMNS, types, strict=True)]
    query = sa.insert(sa.table("readings", *columns))

    async with sqlalchemy_core(url) as engine:

        async def insert(row: Row) -> None:
            async with engine.connect() as con:
                await con.execute(query, dict(zip(COLUMNS, row, strict=True)))

        yield insert


@asynccontextmanager
async def _databases(url: str) -> AsyncIterator[Insert]:
    query = INSERT.format(":at, :name, :value, :n")

    async with encode_databases(url) as database:
        yield lambda row: database.execute(query, dict(zip(COLUMNS, row, strict=True)))


def _contender(name: str, writer: Writer) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(TABLE) as url, writer(url) as insert:

            async def run(operations: int) -> None:
                await shared_among(_TASKS, _ROWS[:operations], insert)

            await run(_OPERATIONS)
            assert await stored(url, _ROWS)
            yield Work(run=run, reset=emptying(url))

    return Contender(name=name, open=opened)


def _question(loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> Question:
    contenders: dict[str, Writer] = {
        OURS: partial(_ours, group_commit=True),
        "ours, a commit each": _ours,
        "asyncpg.Pool": _pool,
        "asyncpg, queue by hand": _lifo,
        "psycopg_pool": _psycopg,
        "SQLAlchemy Core": _sqlalchemy,
        "databases": _databases,
    }
    return Question(
        name=f"postgres-insert{'-uvloop' if loop else ''}",
        asks=f"PostgresStorage(group_commit=True).execute of durable inserts, {_TASKS} tasks"
        f"{' on uvloop' if loop else ''}",
        contenders=tuple(_contender(name, writer) for name, writer in contenders.items()),
        operations=_OPERATIONS,
        targets={"asyncpg.Pool": 8.0},
        turn=_OPERATIONS,
        stall=0.015,
        loop=loop,
    )


QUESTIONS = (_question(), _question(uvloop))
