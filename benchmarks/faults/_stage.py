"""A server of its own and a proxy for each measurement, and how a call ended."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from infrastructure.testing import ChaosProxy
from tests.servers import valkey
from tests.servers.server import RedisServer

from ._clients import Client, Make

__all__ = ["Ending", "Stage", "ended", "on_stage"]


@dataclass(frozen=True)
class Ending:
    """What a call gave, or its error, and the seconds until then."""

    value: Any
    error: BaseException | None
    seconds: float

    def __str__(self) -> str:
        if self.error is None:
            return f"succeeds, {self.seconds:.2g} s"

        outcome = getattr(self.error, "outcome", None)
        told = f" (outcome {outcome})" if outcome else ""
        return f"{type(self.error).__name__}{told}, {self.seconds:.2g} s"


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


async def ended(call: Callable[[], Awaitable[Any]], longest: float = 20.0) -> Ending:
    """Return how a call ended; after ``longest`` seconds it is given up."""
    begun = time.monotonic()
    task = asyncio.ensure_future(call())
    done, _ = await asyncio.wait({task}, timeout=longest)
    seconds = time.monotonic() - begun

    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        return Ending(None, builtins.TimeoutError("no end"), seconds)

    error = task.exception()
    return Ending(None if error else task.result(), error, seconds)
