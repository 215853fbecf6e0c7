"""The harness of the PostgreSQL storage on a server that may be stopped: what a URL's is not."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Self

from infrastructure.conformance import FaultHarness
from infrastructure.conformance.harnesses.postgres import PostgresHarness

from ..servers import postgres as embedded
from ..servers.ports import HOST
from ..servers.postgres_server import PostgresServer

__all__ = ["OwnPlainHarness", "OwnPostgresHarness", "own_postgres"]


@cache
def own_postgres() -> PostgresServer:
    """Return the one of this run; the first check that needs it starts it."""
    # Its processes are killed, not the machine: what they wrote is there without the disk.
    server = PostgresServer(embedded.program(), {"fsync": "off"})
    atexit.register(lambda: asyncio.run(server.close()))
    return server


class OwnFaults(FaultHarness):
    """Knows its server when a check begins: none is started to count the checks."""

    def __init__(self) -> None:
        super().__init__((HOST, 1))

    async def __aenter__(self) -> Self:
        self.server = server = own_postgres()
        self.proxy.redirect((server.host, server.port))
        return await super().__aenter__()


class OwnPostgresHarness(PostgresHarness):
    """Everything is tried on it."""

    missing: Mapping[str, str] = MappingProxyType(
        {"one_writer": PostgresHarness.missing["one_writer"]}
    )
    query = ""

    def __init__(self) -> None:
        super().__init__("postgresql://host")
        self.faults = OwnFaults()

    async def open(self) -> None:
        """Make the schema."""
        self._url = f"{own_postgres().url}{self.query}"
        await super().open()


class OwnPlainHarness(OwnPostgresHarness):
    """No connection is shared by statements."""

    query = "?pipelining=false"
