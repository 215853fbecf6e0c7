"""A topology that changes: asked about every second, and at once when something is wrong."""

from __future__ import annotations

import asyncio
import builtins
from abc import abstractmethod
from contextlib import suppress
from typing import ClassVar

from ..._core.tasks import Tasks, logger, start_task
from ...interfaces.exceptions import ConnectionError, InfrastructureError
from ._dial import Dialer
from ._node import Node
from ._signals import NotSent
from ._topology import Topology

__all__ = ["ANSWER", "Followed"]

ANSWER = 0.5
"""Seconds that one of those who know is given for its answer."""

_EVERY = 1.0
"""Seconds between two looks while all is well: a demoted primary is left that soon."""

_SOON = 0.1
"""Seconds between two looks while a primary is not there."""


class Followed(Topology):
    """Looks again and again; a call that finds nothing looks too, and shares the look."""

    bridge: ClassVar[float] = 10.0

    def __init__(self, dialer: Dialer) -> None:
        super().__init__(dialer)
        self._tasks = Tasks("RedisCache topology")
        self._look: asyncio.Task[None] | None = None
        self._wake: asyncio.Event | None = None

    @abstractmethod
    async def _refresh(self) -> None:
        """Ask those who know, and follow what they say; raise when nobody answers."""

    async def open(self) -> None:
        """Find the primaries, connect, and watch them from now on."""
        self._wake = asyncio.Event()
        await self.refresh()
        await asyncio.gather(*(node.main.ready() for node in self.nodes))
        self._tasks.start(self._watch(), "watch")

    async def refresh(self) -> None:
        """Look now; who comes while a look is under way shares it."""
        look = self._look

        if look is None or look.done():
            # Its error is for those who wait, and no matter for the log: where nobody waits any
            # more it is seen here.
            look = self._look = start_task(self._refresh(), name="RedisCache topology: look")
            look.add_done_callback(lambda task: task.cancelled() or task.exception())

        # Waited for, not awaited: the cancellation of one caller is no reason to stop.
        await asyncio.wait({look})

        if look.cancelled():
            # Not by who waits here: to him it is an error like any other.
            msg = "disconnect() was called while the primaries were looked for"
            raise ConnectionError(msg, outcome="not_applied")

        look.result()

    async def _watch(self) -> None:
        assert self._wake is not None
        pause = _EVERY

        while True:
            well = all(node.main.is_open for node in self.nodes)
            pause = _EVERY if well else min(_EVERY, pause * 1.5)
            self._wake.clear()

            with suppress(builtins.TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                    # The first look is at once; a failover takes some more.
                    pause = _SOON

            try:
                await self.refresh()
            except InfrastructureError as exc:
                logger.debug("the primaries were not found: %s", exc)
                continue

            await asyncio.gather(*map(self._connect, self.nodes))

    async def _connect(self, node: Node) -> None:
        """Connect to a new primary before somebody needs it."""
        with suppress(InfrastructureError, NotSent, builtins.TimeoutError):
            async with asyncio.timeout(ANSWER):
                await node.main.ready()

    def lost(self) -> None:
        """Hear that a link broke: look whether the primary is another one now."""
        super().lost()
        self.silent()

    def silent(self) -> None:
        """Hear that a link owes an answer: look too."""
        if self._wake is not None:
            self._wake.set()

    def close(self) -> None:
        """Close all links at once."""
        super().close()
        self._tasks.stop()

        if self._look is not None:
            self._look.cancel()
