"""A server of its own and a proxy for each measurement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from infrastructure.testing import ChaosProxy
from tests.servers import valkey
from tests.servers.server import RedisServer

from ._clients import Client, Make

__all__ = ["Stage", "on_stage"]


@dataclass(frozen=True)
class Stage:
    """A client behind a proxy that stands before a server."""

    server: RedisServer
    proxy: ChaosProxy
    client: Client

    def done(self, command: str) -> int:
        """Return how often the server has run a command, by its own count."""
        with self.server.counters() as counters:
            return counters.read().commands[command]

    def opened(self) -> int:
        """Return how many connections the client has made so far."""
        return self.proxy.accepted


@asynccontextmanager
async def on_stage(make: Make) -> AsyncIterator[Stage]:
    """Give a connected client, warm by one write and one read."""
    async with (
        RedisServer(valkey.program()) as server,
        ChaosProxy((server.host, server.port)) as proxy,
        make(proxy.host, proxy.port) as client,
    ):
        await client.set("key", "value of key")
        await client.get("key")

        try:
            yield Stage(server, proxy, client)
        finally:
            proxy.heal()
