"""One factory a key: who asks for a key while its value is being made waits for that value."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from ._context import factory_context, start_task
from .exceptions import OperationError, TimeoutError

__all__ = ["Flight", "Flights"]


class Flight:
    """The making of one value: its task, and the latest instant a caller waits for it."""

    __slots__ = ("expires", "overdue", "superseded", "task", "timer")

    def __init__(self) -> None:
        self.expires = -math.inf
        self.overdue = False
        self.superseded = False
        self.task: asyncio.Task[Any] | None = None
        self.timer: asyncio.TimerHandle | None = None


class Flights:
    """The flights under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    @property
    def tasks(self) -> frozenset[asyncio.Task[Any]]:
        """The factories that run, those of superseded flights too."""
        return frozenset(self._tasks)

    async def land(self, within: float) -> None:
        """Wait for the factories that run; cancel those that have not ended in so many seconds."""
        if not self._tasks:
            return

        _, late = await asyncio.wait(self._tasks, timeout=within)

        for task in late:
            task.cancel()

        if late:
            await asyncio.wait(late)

    def supersede(self, key: str) -> None:
        """Note that ``key`` was set or deleted: the flight's value goes to its waiters only.

        Who asks from now on does not join it: its value may be older than the change.
        """
        if self._flights and (flight := self._flights.pop(key, None)) is not None:
            flight.superseded = True

    async def run(self, key: str, make: Callable[[Flight], Awaitable[Any]], expires: float) -> Any:
        """Return what ``make`` returns; it runs once for all who wait for ``key``.

        ``make`` runs in a copy of its first caller's context without deadline and
        transaction, until the latest ``expires`` (``time.monotonic()``) of its waiters;
        cancelling a waiter, the first one too, touches nobody else.
        """
        flight = self._flights.get(key)

        if flight is None:
            flight = self._flights[key] = Flight()
            flight.task = start_task(
                _value(make, flight), name=f"get_or_set {key[:40]!r}", context=factory_context()
            )
            self._tasks.add(flight.task)
            # A callback, not a finally: a task cancelled before its first step runs no finally.
            flight.task.add_done_callback(partial(self._landed, key, flight))

        return await self._wait(key, flight, expires)

    def _landed(self, key: str, flight: Flight, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)

        if self._flights.get(key) is flight:
            del self._flights[key]

        if flight.timer is not None:
            flight.timer.cancel()

    async def _wait(self, key: str, flight: Flight, expires: float) -> Any:
        task = flight.task
        assert task is not None
        self._extend(key, flight, task, expires)
        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())
        # asyncio.wait: neither our cancellation nor our time-out reaches the task.
        await asyncio.wait({task}, timeout=remaining)

        # The flight's timer may have ended the task in the very turn in which we waited enough.
        if flight.overdue or not task.done():
            msg = f"get_or_set({key!r}): the value was not made and stored when the deadline passed"
            raise TimeoutError(msg, outcome="unknown", operation="get_or_set")

        if task.cancelled():
            msg = f"get_or_set({key!r}): the factory was cancelled; call again"
            raise OperationError(msg, outcome="unknown", operation="get_or_set", retryable=True)

        return task.result()

    def _extend(self, key: str, flight: Flight, task: asyncio.Task[Any], expires: float) -> None:
        """Let the task run until ``expires`` at least; nobody waits for it after the latest."""
        if expires <= flight.expires:
            return

        flight.expires = expires

        if flight.timer is not None:
            flight.timer.cancel()
            flight.timer = None

        if expires != math.inf:
            delay = max(0.0, expires - time.monotonic())
            flight.timer = task.get_loop().call_later(delay, self._expire, key, flight, task)

    def _expire(self, key: str, flight: Flight, task: asyncio.Task[Any]) -> None:
        """End what nobody has time for any more; who asks from now on begins anew."""
        flight.overdue = True
        task.cancel()

        if self._flights.get(key) is flight:
            self.supersede(key)


async def _value(make: Callable[[Flight], Awaitable[Any]], flight: Flight) -> Any:
    return await make(flight)
