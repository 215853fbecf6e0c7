"""The shared connections: opened when there is work for them, again when one was lost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, Union

from ..._core.tasks import Tasks, logger
from ...interfaces.exceptions import InfrastructureError
from ._group import GroupLane
from ._lane import Lane
from ._wire import Wire

__all__ = ["Lanes"]

_DIAL = 10.0
_BACK_OFF = (0.05, 5.0)
"""Seconds between two attempts to open a lane: at first, and at most."""
_SHARE = 16
"""Statements in flight on one lane from which on a second one is worth its processor."""

Shared = TypeVar("Shared", bound=Union[Lane, GroupLane])


class Lanes(Generic[Shared]):
    """At most ``most`` lanes, each made by ``dial``."""

    def __init__(
        self, dial: Callable[[Callable[[Wire], None], float], Awaitable[Shared]], most: int
    ) -> None:
        self._dial = dial
        self._most = most
        self._lanes: list[Shared] = []
        self._tasks = Tasks("storage")
        self._delay = 0.0
        self._not_before = 0.0

    def pick(self) -> Shared | None:
        """Return a lane that takes work now."""
        best: Shared | None = None

        for lane in self._lanes:
            if lane.takes_work():
                if lane.load < _SHARE:
                    return lane

                if best is None or lane.load < best.load:
                    best = lane

        if len(self._lanes) < self._most:
            self._open_one()

        return best

    def _open_one(self) -> None:
        # Statements take the pool's connections meanwhile, which know when the server is back.
        if not len(self._tasks) and time.monotonic() >= self._not_before:
            self._tasks.start(self._open(), "open a shared connection")

    async def _open(self) -> None:
        try:
            lane = await self._dial(self._ended, time.monotonic() + _DIAL)
            self._lanes.append(lane)
            self._delay = 0.0
        except InfrastructureError as exc:
            first, most = _BACK_OFF
            self._delay = min(most, max(first, self._delay * 2))
            self._not_before = time.monotonic() + self._delay
            logger.debug("a shared connection could not be opened: %s", exc)

    def _ended(self, wire: Wire) -> None:
        self._lanes = [lane for lane in self._lanes if lane is not wire]

    async def drain(self) -> None:
        """Return when all that is in flight was answered."""
        for lane in tuple(self._lanes):
            await lane.drained()

    def evict(self) -> None:
        """Give none of these lanes again: the server is no longer the one to talk to."""
        for lane in tuple(self._lanes):
            lane.retire()

    def close(self, reason: str) -> None:
        """Close all at once; what is in flight fails."""
        self._tasks.stop()

        for lane in tuple(self._lanes):
            lane.close(reason)
