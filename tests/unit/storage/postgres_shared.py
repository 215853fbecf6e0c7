"""What the tests of PostgresStorage share: a database with a table, statements on shared connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from infrastructure.interfaces import deadline
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.storage.postgres._plans import Plan
from infrastructure.testing.postgres import PostgresCounters

from ...servers.postgres_endpoint import PostgresEndpoint

__all__ = [
    "WRITE",
    "alter",
    "connection_of",
    "fast",
    "ids",
    "lane_for",
    "opened",
    "pool_of",
    "sleeps",
    "waits_for_a_lock",
]

WRITE = "INSERT INTO t VALUES ($1)"


def alter(database: PostgresEndpoint, *statements: str) -> None:
    """Change something as another program would."""
    with database.control() as control:
        for statement in statements:
            control.execute(statement.encode())


@asynccontextmanager
async def opened(storage: PostgresStorage) -> AsyncIterator[PostgresStorage]:
    """Give a storage whose own short deadline is not that of its connect."""
    with deadline(10):
        await storage.connect()

    async with storage:
        yield storage


async def ids(storage: PostgresStorage) -> list[int]:
    """Return which numbers the table has."""
    return [row["id"] for row in await storage.execute("SELECT id FROM t ORDER BY id")]


def pool_of(storage: PostgresStorage) -> Any:
    """Return the pool of a connected storage."""
    return storage._engine.pool


def connection_of(storage: PostgresStorage) -> Any:
    """Return the connection of the open transaction."""
    level = storage._transactions.current("test")
    assert level is not None
    session: Any = level.root.session
    return session.connection


async def fast(storage: PostgresStorage, query: str, params: list[Any] | None = None) -> Plan:
    """Run a statement until it is known to be fast, whatever the machine is busy with."""
    engine = storage._engine

    while query not in engine.plans.fast:
        await storage.execute(query, params)

        for plan in engine.plans._plans.values():
            plan.seconds = min(plan.seconds, 0.0)

        await storage.execute(query, params)

    engine.plans.fast[query].seconds = 0.0
    return engine.plans.fast[query]


async def lane_for(storage: PostgresStorage, query: str, params: list[Any] | None = None) -> Any:
    """Return the shared connection that a statement goes by, opened and used by it once."""
    plan = await fast(storage, query, params)
    engine = storage._engine
    lanes: Any = engine._lanes

    if plan.groups and engine._groups is not None and engine._groups._most:
        lanes = engine._groups

    while not lanes._lanes:
        await storage.execute(query, params)

    plan.seconds = 0.0
    await storage.execute(query, params)
    plan.seconds = 0.0
    return lanes._lanes[0]


def sleeps(counters: PostgresCounters) -> bool:
    """Return whether a session of the database is in ``pg_sleep``."""
    return any(session["wait_event"] == "PgSleep" for session in counters.sessions())


def waits_for_a_lock(control: psycopg.Connection[Any]) -> bool:
    """Return whether a session of the database waits for another one."""
    row = control.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return bool(row and row[0])
