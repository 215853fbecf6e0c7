"""A clock that a test moves by hand: no test sleeps."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from functools import partial

__all__ = ["FakeClock", "FakeTimer", "settle"]


class FakeTimer:
    """A call that is due on a ``FakeClock``."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Let it not happen."""
        self.callback = None


class FakeClock:
    """A ``Clock`` that stands still until ``advance`` moves it."""

    def __init__(self, start: datetime = datetime(2024, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._order = itertools.count()
        self._timers: list[tuple[float, int, FakeTimer]] = []

    def monotonic(self) -> float:
        """Return the seconds that were advanced so far, from an arbitrary origin."""
        return 1000.0 + self._elapsed

    def now(self) -> datetime:
        """Return the wall-clock time, aware, in UTC."""
        return self._start + timedelta(seconds=self._elapsed)

    def call_later(self, delay: float, callback: Callable[[], object]) -> FakeTimer:
        """Call ``callback`` when the clock has been advanced by ``delay`` seconds."""
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (self._elapsed + max(0.0, delay), next(self._order), timer))
        return timer

    async def sleep(self, delay: float) -> None:
        """Return when the clock has been advanced by ``delay`` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay, partial(_wake, future))

        try:
            await future
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Move the clock; what falls due runs in order, and so does what waits for it."""
        until = self._elapsed + seconds
        await settle()

        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, due)

            if timer.callback is not None:
                Context().run(timer.callback)
                await settle()

        self._elapsed = until
        await settle()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def settle(turns: int = 50) -> None:
    """Let the tasks that are ready run, and those that they make ready."""
    for _ in range(turns):
        await asyncio.sleep(0)
