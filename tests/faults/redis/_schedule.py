"""Faults in random order and at random moments, from a seed, for so many seconds."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from infrastructure.testing import ChaosProxy

from ...servers.server import RedisServer

__all__ = ["Schedule"]

Fault = Callable[[], Awaitable[None]]


class Schedule:
    """Makes the network and the server fail and heal; ``faults`` counts what it did."""

    def __init__(self, proxy: ChaosProxy, server: RedisServer, rng: random.Random) -> None:
        self.faults: Counter[str] = Counter()
        self._proxy, self._server, self._rng = proxy, server, rng
        self._kinds: list[Fault] = [
            self._black_hole, self._slow, self._cut, self._cut, self._truncate, self._truncate,
            self._refuse, self._freeze, self._kill,
        ]  # fmt: skip

    async def run(self, seconds: float) -> None:
        """Go on for so long; all is well afterwards."""
        end = time.monotonic() + seconds

        while time.monotonic() < end:
            fault = self._rng.choice(self._kinds)
            self.faults[fault.__name__.strip("_").replace("_", " ")] += 1
            await fault()
            self._proxy.heal()
            await asyncio.sleep(self._rng.uniform(0, 0.05))

    async def _last(self, longest: float = 0.6) -> None:
        await asyncio.sleep(self._rng.uniform(0.01, longest))

    async def _black_hole(self) -> None:
        self._proxy.black_hole(self._rng.choice(("to_server", "to_client", "both")))
        await self._last()

    async def _slow(self) -> None:
        self._proxy.delay(self._rng.uniform(0, 0.1), self._rng.choice(("to_server", "both")))
        self._proxy.split(self._rng.randint(1, 30))
        await self._last(0.2)

    async def _cut(self) -> None:
        self._rng.choice((self._proxy.cut, self._proxy.reset))()

    async def _truncate(self) -> None:
        self._proxy.truncate(
            self._rng.randint(0, 3000),
            self._rng.choice(("to_server", "to_client")),
            ending=self._rng.choice(("cut", "reset")),
        )
        await self._last(0.05)

    async def _refuse(self) -> None:
        self._proxy.refuse()
        self._proxy.reset()
        await self._last()

    async def _freeze(self) -> None:
        self._server.process.freeze()
        await self._last()
        self._server.process.thaw()

    async def _kill(self) -> None:
        self._server.process.kill()
        await self._last(0.3)
        await self._server.start()
