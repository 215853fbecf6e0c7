"""A server that takes no writes any more is left, whichever way it is used."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.interfaces import (
    ConnectionError,
)
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_server import PostgresServer
from ...servers.waiting import until
from .postgres_shared import alter, pool_of


class TestFailover:
    async def test_a_server_that_takes_no_writes_any_more(
        self, private_postgres: PostgresServer
    ) -> None:
        """One error, and all connections to it are left, whichever way they are used."""
        url = private_postgres.address(target_session_attrs="read-write")
        alter(private_postgres, "CREATE TABLE t (id int)")

        async with PostgresStorage(url, deadline=5) as storage:
            for inside in (False, True):
                alter(private_postgres, "ALTER SYSTEM SET default_transaction_read_only = off")
                alter(private_postgres, "SELECT pg_reload_conf()")
                await _writes(storage)
                old = await _several(storage)
                alter(private_postgres, "ALTER SYSTEM SET default_transaction_read_only = on")
                alter(private_postgres, "SELECT pg_reload_conf()")
                error = await _refused_write(storage, inside=inside)
                assert error.sqlstate == "25006"
                assert error.retryable
                await until(lambda old=old: not any(each.is_open for each in old))
                assert not storage._engine._lanes._lanes  # type: ignore[union-attr]

            alter(private_postgres, "ALTER SYSTEM SET default_transaction_read_only = off")
            alter(private_postgres, "SELECT pg_reload_conf()")
            await _writes(storage)


async def _several(storage: PostgresStorage) -> set[Any]:
    """Return the connections that rest, more than one, however slowly the server opens them."""
    pool = pool_of(storage)

    while len(pool._idle) < 2:
        await asyncio.gather(*(storage.execute("SELECT pg_sleep(0.01)") for _ in range(8)))

    return set(pool._idle)


async def _writes(storage: PostgresStorage) -> None:
    while True:
        try:
            return await storage.execute("INSERT INTO t VALUES (1)") and None
        except ConnectionError:
            await asyncio.sleep(0.01)


async def _refused_write(storage: PostgresStorage, *, inside: bool) -> ConnectionError:
    while True:
        try:
            if inside:
                async with storage.transaction():
                    await storage.execute("INSERT INTO t VALUES (2)")
            else:
                await storage.execute("INSERT INTO t VALUES (2)")
        except ConnectionError as exc:
            return exc
