"""A server of its own and a proxy for each measurement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from infrastructure.testing import ChaosProxy
from tests.servers import postgres
from tests.servers.postgres_server import PostgresServer

from ._clients import Client, Make

__all__ = ["Stage", "asked", "on_stage"]

_TABLE = "CREATE TABLE pairs (pair bigint NOT NULL, half int NOT NULL)"


@dataclass(frozen=True)
class Stage:
    """A client behind a proxy that stands before a server with an empty table of pairs."""

    server: PostgresServer
    proxy: ChaosProxy
    client: Client

    def asked(self, query: str) -> Any:
        """Return the first value of a query, by a connection of one's own past the proxy."""
        return asked(self.server, query)


def asked(server: PostgresServer, query: str) -> Any:
    """Return the first value of a query."""
    with server.control() as control:
        row = control.execute(query).fetchone()
        return None if row is None else row[0]


@asynccontextmanager
async def on_stage(make: Make) -> AsyncIterator[Stage]:
    """Give a connected client, warm by one write and one read."""
    async with (
        PostgresServer(postgres.program()) as server,
        ChaosProxy((server.host, server.port)) as proxy,
    ):
        with server.control() as control:
            control.execute(_TABLE)

        place = f"{proxy.host}:{proxy.port}"
        parts = urlsplit(server.url)
        url = parts._replace(netloc=parts.netloc.replace(parts.netloc.split("@")[-1], place))

        async with make(url.geturl()) as client:
            await client.run("INSERT INTO pairs VALUES ($1, $2) RETURNING pair", 0, 1)
            await client.run("INSERT INTO pairs VALUES ($1, $2) RETURNING pair", 0, 2)

            try:
                yield Stage(server, proxy, client)
            finally:
                proxy.heal()
