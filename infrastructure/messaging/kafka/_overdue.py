"""Deadlines of publishes: one timer for all of them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable
from time import monotonic

from ._failures import too_late
from ._publication import Publication

__all__ = ["Overdue"]


class Overdue:
    """Fails ``everybody`` whose deadline passes, and calls ``swept`` then.

    ``at``  when it looks again, as ``time.monotonic()`` counts: who expires before that calls ``watch``.
    """

    def __init__(
        self, everybody: Callable[[], Iterable[Publication]], swept: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._everybody = everybody
        self._swept = swept
        self._timer: asyncio.TimerHandle | None = None
        self.at = math.inf

    def watch(self, expires: float) -> None:
        """Look at ``expires``."""
        self.cancel()
        self.at = expires
        self._timer = self._loop.call_later(max(0.0, expires - monotonic()), self._expire)

    def cancel(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _expire(self) -> None:
        self._timer, self.at = None, math.inf
        now, following = monotonic(), math.inf

        for each in self._everybody():
            if each.answer.done():
                continue

            if each.expires <= now:
                each.answer.set_exception(too_late(each))
            else:
                following = min(following, each.expires)

        if following < math.inf:
            self.watch(following)

        self._swept()
