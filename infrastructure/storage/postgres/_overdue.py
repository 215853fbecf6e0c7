"""One timer for the deadlines of everything that waits on one connection."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from time import monotonic

__all__ = ["Overdue"]


class Overdue:
    """Calls ``sweep(now)`` at the earliest instant that was watched for; it returns the next one."""

    def __init__(self, sweep: Callable[[float], float]) -> None:
        self._sweep = sweep
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.due = math.inf
        """The instant of ``time.monotonic()`` at which the timer goes off."""

    def watch(self, instant: float) -> None:
        """Sweep at ``instant`` at the latest."""
        if instant >= self.due:
            return

        if self._timer is not None:
            self._timer.cancel()

        self.due = instant
        self._timer = self._loop.call_later(max(0.0, instant - monotonic()), self._fire)

    def _fire(self) -> None:
        self._timer, self.due = None, math.inf
        self.watch(self._sweep(monotonic()))

    def stop(self) -> None:
        """Sweep no more."""
        if self._timer is not None:
            self._timer.cancel()

        self._timer, self.due = None, math.inf
