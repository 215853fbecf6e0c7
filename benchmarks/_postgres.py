"""The PostgreSQL of the benchmarks, and those whom people use today, each with ten connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

# The drivers are imported where they are opened: who lists the questions needs none of them.
if TYPE_CHECKING:
    import asyncpg
    from databases import Database
    from psycopg_pool import AsyncConnectionPool
    from sqlalchemy.engine.interfaces import IsolationLevel
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = [
    "CONNECTIONS",
    "asyncpg_lifo",
    "asyncpg_pool",
    "encode_databases",
    "psycopg_pool",
    "server",
    "sqlalchemy_core",
]

CONNECTIONS = 10
"""Of each contender, at most; those with a pool open them all before the clock runs."""

_SETTINGS = {
    # Nothing that begins by itself: it would fall into anybody's run.
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "4GB",
    # Their defaults again, which the tests' servers do not have.
    "shared_buffers": "128MB",
    "timezone": "UTC",
}


@asynccontextmanager
async def server(*statements: str) -> AsyncIterator[str]:
    """Run a PostgreSQL of its own, with ``fsync``, in which ``statements`` have run; give its URL."""
    # Here, because the tests of the benchmarks import them without the root of the repository.
    from tests.servers import postgres
    from tests.servers.postgres_server import PostgresServer

    async with PostgresServer(postgres.program(), _SETTINGS) as running:
        with running.control() as control:
            for statement in statements:
                control.execute(statement)

        yield running.url


@asynccontextmanager
async def asyncpg_pool(url: str) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """Open asyncpg's pool as its documentation does; it prepares and caches by itself."""
    import asyncpg

    async with asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        yield pool


@asynccontextmanager
async def asyncpg_lifo(url: str) -> AsyncIterator[asyncio.LifoQueue[Any]]:
    """Open what one writes who finds asyncpg's pool slow: connections in a queue, never reset."""
    import asyncpg

    free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    connections = [await asyncpg.connect(url) for _ in range(CONNECTIONS)]

    for con in connections:
        free.put_nowait(con)

    try:
        yield free
    finally:
        for con in connections:
            await con.close()


@asynccontextmanager
async def psycopg_pool(url: str) -> AsyncIterator[AsyncConnectionPool[Any]]:
    """Open psycopg's pool, in autocommit mode: a round trip where its default takes three."""
    from psycopg_pool import AsyncConnectionPool

    pool = AsyncConnectionPool(
        url,
        min_size=CONNECTIONS,
        max_size=CONNECTIONS,
        open=False,
        kwargs={"autocommit": True},
    )

    async with pool:
        await pool.wait()
        yield pool


@asynccontextmanager
async def sqlalchemy_core(
    url: str, isolation_level: IsolationLevel = "AUTOCOMMIT"
) -> AsyncIterator[AsyncEngine]:
    """Open SQLAlchemy's engine on asyncpg, with AUTOCOMMIT for the same reason."""
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=CONNECTIONS,
        max_overflow=0,
        isolation_level=isolation_level,
    )

    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def encode_databases(url: str) -> AsyncIterator[Database]:
    """Open encode/databases, which has asyncpg's pool below."""
    from databases import Database

    async with Database(url, min_size=CONNECTIONS, max_size=CONNECTIONS) as database:
        yield database
