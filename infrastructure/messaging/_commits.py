"""Commits the finished prefixes soon after they grew, and holds the windows while it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from random import random

from .._core.clock import Clock, Timer
from .._core.tasks import Tasks, logger
from ._log import Log
from ._record import Partition
from ._window import Window

__all__ = ["Commits"]

_LONGEST_WAIT = 30.0


class Commits:
    """The commits of one engine: one at a time, ``interval`` seconds after the first progress."""

    def __init__(
        self,
        log: Log,
        *,
        clock: Clock,
        tasks: Tasks,
        windows: Callable[[], Iterable[Window]],
        interval: float,
        jitter: Callable[[], float] = random,
    ) -> None:
        self._log = log
        self._clock = clock
        self._tasks = tasks
        self._windows = windows
        self._interval = interval
        self._jitter = jitter
        self._dirty: dict[Window, None] = {}
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._failures = 0

    def touch(self, window: Window) -> None:
        """Commit ``window`` soon."""
        self._dirty[window] = None
        self._arm()

    def _arm(self) -> None:
        if self._timer is None and self._dirty:
            self._timer = self._clock.call_later(self._delay(), self._begin)

    def _delay(self) -> float:
        if not self._failures:
            return self._interval

        wait = max(self._interval, 0.1) * 2.0 ** min(self._failures - 1, 10)
        return min(_LONGEST_WAIT, wait) * (1 - self._jitter() / 2)

    def _begin(self) -> None:
        self._task = self._tasks.start(self._again(), "commit")

    async def _again(self) -> None:
        try:
            await self.commit(list(self._dirty))
        finally:
            self._timer = None
            self._arm()

    def hurry(self) -> None:
        """Try at once what has failed: the log answers again."""
        if self._failures and self._timer is not None and (self._task is None or self._task.done()):
            self._timer.cancel()
            self._begin()

    async def commit(self, windows: Iterable[Window]) -> None:
        """Commit the positions of ``windows`` now; what fails stays to be tried again."""
        async with self._turn:
            moved = [window for window in windows if window in self._dirty]

            for window in moved:
                del self._dirty[window]

            offsets = _offsets(moved)

            if not offsets:
                return

            try:
                await self._log.commit(offsets)
            except BaseException as exc:
                self._failed(moved, exc)

                if not isinstance(exc, Exception):
                    raise
            else:
                self._succeeded(offsets)

    def _failed(self, windows: list[Window], exc: BaseException) -> None:
        # A partition that was lost meanwhile is no longer ours to commit.
        kept = set(self._windows())

        for window in kept.intersection(windows):
            window.dirty = True
            self._dirty[window] = None

        if not isinstance(exc, Exception):
            return

        self._failures += 1

        if self._failures > 1:
            return

        logger.warning("a commit failed and is tried again", exc_info=exc)

        # What was handled and is not committed comes again after a crash: bound it.
        for window in kept:
            self.hold(window)

    def hold(self, window: Window) -> None:
        """Let one more window of messages come while commits fail."""
        if self._failures:
            window.spare = window.limit
            window.review()

    def _succeeded(self, offsets: dict[Partition, int]) -> None:
        failures, self._failures = self._failures, 0

        for window in self._windows():
            window.committed = offsets.get(window.partition, window.committed)

            if failures:
                window.spare = None
                window.review()

    def forget(self, window: Window) -> None:
        """Commit nothing of a lost partition."""
        self._dirty.pop(window, None)

    def close(self) -> None:
        """Commit nothing any more."""
        self._dirty.clear()

        if self._timer is not None:
            self._timer.cancel()

        if self._task is not None:
            self._task.cancel()


def _offsets(windows: list[Window]) -> dict[Partition, int]:
    offsets: dict[Partition, int] = {}

    for window in windows:
        window.dirty = False
        window.advance()

        if window.position is not None and window.position != window.committed:
            offsets[window.partition] = window.position

    return offsets
