"""Who is put to the test: each with the settings that it has when nobody sets anything."""

from __future__ import annotations

import asyncio
import builtins
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg
from databases import Database
from psycopg_pool import AsyncConnectionPool

from infrastructure.storage.postgres import PostgresStorage

__all__ = ["CLIENTS", "Client", "Make", "Run"]

# Of its own close, which may wait for ever.
_CLOSING = 3.0

Run = Callable[..., Awaitable[list[Any]]]
"""Runs a statement with ``$1 ...`` and its values; gives rows as sequences of values."""


@dataclass(frozen=True)
class Client:
    """What is asked of them.

    ``run``          a statement that commits by itself.
    ``transaction``  a block that is a transaction; gives what runs a statement in it.
    ``apart``        a statement on another connection, from inside a transaction.
    """

    run: Run
    transaction: Callable[[], AbstractAsyncContextManager[Run]]
    apart: Run


Make = Callable[[str], AbstractAsyncContextManager[Client]]
"""Opens a client of the server at a URL."""


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Client]:
    async with PostgresStorage(url) as storage:

        async def run(query: str, *values: Any) -> list[Any]:
            return [list(row.values()) for row in await storage.execute(query, list(values))]

        @asynccontextmanager
        async def transaction() -> AsyncIterator[Run]:
            async with storage.transaction():
                yield run

        async def apart(query: str, *values: Any) -> list[Any]:
            async with storage.detached():
                return await run(query, *values)

        yield Client(run, transaction, apart)


@asynccontextmanager
async def _asyncpg(url: str) -> AsyncIterator[Client]:
    pool = await asyncpg.create_pool(url)

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Run]:
        async with pool.acquire() as con, con.transaction():
            yield con.fetch

    try:
        yield Client(pool.fetch, transaction, pool.fetch)
    finally:
        pool.terminate()


@asynccontextmanager
async def _psycopg(url: str) -> AsyncIterator[Client]:
    pool: AsyncConnectionPool[Any] = AsyncConnectionPool(url, open=False)
    await pool.open(wait=True)

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Run]:
        # The block of a connection is a transaction.
        async with pool.connection() as con:

            async def run(query: str, *values: Any) -> list[Any]:
                cursor = await con.execute(_spelt(query, "%s"), values)
                rows: list[Any] = [] if cursor.description is None else await cursor.fetchall()
                return rows

            yield run

    async def run(query: str, *values: Any) -> list[Any]:
        async with transaction() as inside:
            return await inside(query, *values)

    try:
        yield Client(run, transaction, run)
    finally:
        await pool.close(timeout=1)


@asynccontextmanager
async def _databases(url: str) -> AsyncIterator[Client]:
    database = Database(url)
    await database.connect()

    async def run(query: str, *values: Any) -> list[Any]:
        named = {f"v{number}": value for number, value in enumerate(values, 1)}
        rows = await database.fetch_all(_spelt(query, r":v\1"), named)
        return [list(row.values()) for row in rows]

    @asynccontextmanager
    async def transaction() -> AsyncIterator[Run]:
        async with database.transaction():
            yield run

    async def apart(query: str, *values: Any) -> list[Any]:
        # A connection belongs to a task.
        return (await asyncio.gather(run(query, *values)))[0]

    try:
        yield Client(run, transaction, apart)
    finally:
        with suppress(builtins.TimeoutError):
            async with asyncio.timeout(_CLOSING):
                await database.disconnect()


@cache
def _spelt(query: str, placeholder: str) -> str:
    return re.sub(r"\$(\d+)", placeholder, query)


CLIENTS: Mapping[str, Make] = {
    "PostgresStorage": _ours,
    "asyncpg.Pool": _asyncpg,
    "psycopg_pool": _psycopg,
    "databases": _databases,
}
