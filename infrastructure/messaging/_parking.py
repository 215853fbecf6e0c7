"""Calls in back-off: they hold no lane, only their keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from .._core.clock import Clock, Timer
from ._calls import Call

__all__ = ["Parking"]

C = TypeVar("C", bound=Call)


class Parking(Generic[C]):
    """Calls that wait for their next attempt; ``resume`` is called with each when it is due."""

    __slots__ = ("_clock", "_closed", "_resume", "_timers")

    def __init__(self, clock: Clock, resume: Callable[[C], None]) -> None:
        self._clock = clock
        self._resume = resume
        self._timers: dict[C, Timer] = {}
        self._closed = False

    def park(self, call: C, seconds: float) -> None:
        """Resume ``call`` after so many seconds."""
        if not self._closed:
            self._timers[call] = self._clock.call_later(seconds, partial(self._due, call))

    def _due(self, call: C) -> None:
        del self._timers[call]
        self._resume(call)

    def resume_at_once(self, wanted: Callable[[C], bool]) -> None:
        """Resume the calls that are ``wanted`` now."""
        for call in [call for call in self._timers if wanted(call)]:
            self._timers[call].cancel()
            self._due(call)

    def close(self) -> None:
        """Resume none any more."""
        self._closed = True

        for timer in self._timers.values():
            timer.cancel()

        self._timers.clear()
