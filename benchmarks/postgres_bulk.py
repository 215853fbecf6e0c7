"""How fast does PostgresStorage.execute_many store 100,000 rows?

All or nothing, into an empty table without an index, with ``fsync``. ``asyncpg``, ``psycopg``,
``SQLAlchemy Core`` (on asyncpg) and ``databases`` are called by their ``executemany`` in one transaction; the last two
take dicts, which are made before the clock runs. psycopg and databases do fewer rows in a run:
they are that slow. Beside them stand those who know that it is COPY what they want: asyncpg's
``copy_records_to_table``; psycopg's binary COPY, row by row, the types set by hand; and, as what
the server can take, psycopg's COPY of bytes that were encoded before the clock ran.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

from infrastructure import open_storage

from ._database import Row, readings
from ._loops import uvloop
from ._postgres import (
    asyncpg_pool,
    encode_databases,
    psycopg_pool,
    server,
    sqlalchemy_core,
)
from ._postgres_rows import COLUMNS, INSERT, TABLE, emptying, stored
from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_ROWS = readings(100_000)
# As the contract takes them, made before the clock runs.
_LISTS = [list(row) for row in _ROWS]
_DICTS = [dict(zip(COLUMNS, row, strict=True)) for row in _ROWS]
_TYPES = ("timestamptz", "text", "float8", "int4")
_COPY = "COPY readings (at, name, value, n) FROM STDIN (FORMAT BINARY)"
_PIECE = 2000

Store = Callable[[int], Awaitable[object]]
"""Stores so many rows, all or nothing."""

Writer = Callable[[str], AbstractAsyncContextManager[Store]]


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Store]:
    query = INSERT.format("$1, $2, $3, $4")

    async with open_storage(url) as storage:
        yield lambda count: storage.execute_many(query, _LISTS[:count])


@asynccontextmanager
async def _asyncpg(url: str) -> AsyncIterator[Store]:
    query = INSERT.format("$1, $2, $3, $4")

    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda count: con.executemany(query, _ROWS[:count])


@asynccontextmanager
async def _asyncpg_copy(url: str) -> AsyncIterator[Store]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda count: con.copy_records_to_table(
            "readings", records=_ROWS[:count], columns=COLUMNS
        )


@asynccontextmanager
async def _psycopg(url: str) -> AsyncIterator[Store]:
    query = INSERT.format("%s, %s, %s, %s")

    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def store(count: int) -> None:
            async with con.transaction(), con.cursor() as cursor:
                await cursor.executemany(query, _ROWS[:count])

        yield store


@asynccontextmanager
async def _psycopg_copy(url: str) -> AsyncIterator[Store]:
    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def store(count: int) -> None:
            async with con.cursor() as cursor, cursor.copy(_COPY) as copy:
                copy.set_types(_TYPES)

                for row in _ROWS[:count]:
                    await copy.write_row(row)

        yield store


@asynccontextmanager
async def _encoded_copy(url: str) -> AsyncIterator[Store]:
    known: dict[int, list[bytes]] = {}

    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def store(count: int) -> None:
            async with con.cursor() as cursor, cursor.copy(_COPY) as copy:
                for piece in known[count]:
                    await copy.write(piece)

        # The numbers of rows that the rounds ask for.
        for count in (len(_ROWS), len(_ROWS) // 4):
            known[count] = _encoded(_ROWS[:count])

        yield store


def _encoded(rows: list[Row]) -> list[bytes]:
    """Return the pieces of a binary COPY."""
    starts = range(0, len(rows), _PIECE)
    pieces = [b"".join(map(_encoded_row, rows[start : start + _PIECE])) for start in starts]
    return [b"PGCOPY\n\xff\r\n\0" + bytes(8), *pieces, b"\xff\xff"]


def _encoded_row(row: Row) -> bytes:
    at, name, value, n = row
    text = name.encode()
    time = (at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return struct.pack(f"!hiqi{len(text)}sidii", 4, 8, time, len(text), text, 8, value, 4, n)


@asynccontextmanager
async def _sqlalchemy(url: str) -> AsyncIterator[Store]:
    import sqlalchemy as sa

    types = (sa.DateTime(timezone=True), sa.Text, sa.Double, sa.Integer)
    columns = [sa.column(name, kind) for name, kind in zip(COLUMNS, types, strict=True)]
    insert = sa.insert(sa.table("readings", *columns))

    async with sqlalchemy_core(url, isolation_level="READ COMMITTED") as engine:

        async def store(count: int) -> None:
            async with engine.begin() as con:
                await con.execute(insert, _DICTS[:count])

        yield store


@asynccontextmanager
async def _databases(url: str) -> AsyncIterator[Store]:
    query = INSERT.format(":at, :name, :value, :n")

    async with encode_databases(url) as database:

        async def store(count: int) -> None:
            async with database.transaction():
                await database.execute_many(query, _DICTS[:count])

        yield store


def _contender(name: str, writer: Writer, few: int | None = None) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server(TABLE) as url, writer(url) as store:
            count = few or len(_ROWS)
            await store(count)
            assert await stored(url, _ROWS[:count])
            yield Work(run=store, reset=emptying(url))

    return Contender(name=name, open=opened, operations=few)


def _question(
    targets: dict[str, float], loop: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> Question:
    return Question(
        name=f"postgres-bulk{'-uvloop' if loop else ''}",
        asks="PostgresStorage.execute_many, rows a second of 100,000"
        f"{' on uvloop' if loop else ''}",
        contenders=(
            _contender(OURS, _ours),
            _contender("asyncpg, executemany", _asyncpg),
            _contender("SQLAlchemy Core", _sqlalchemy),
            _contender("COPY, encoded before", _encoded_copy),
            _contender("psycopg, COPY", _psycopg_copy),
            _contender("asyncpg, COPY", _asyncpg_copy),
            _contender("psycopg, executemany", _psycopg, 10_000),
            _contender("databases", _databases, 2000),
        ),
        operations=len(_ROWS),
        targets=targets,
        turn=len(_ROWS),
        stall=0.015,
        loop=loop,
    )


_TARGETS = {"asyncpg, executemany": 6.0, "SQLAlchemy Core": 10.0, "COPY, encoded before": 0.6}
QUESTIONS = (_question(_TARGETS), _question(_TARGETS, uvloop))
