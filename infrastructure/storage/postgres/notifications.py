"""What ``listen`` gives: the notifications of one channel as they come."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Optional, Self

from ..._core.deadline import expiry
from ...interfaces.exceptions import ConnectionError, InfrastructureError, TimeoutError

__all__ = ["Notification", "Notifications"]

_MOST = 10_000
"""Notifications that wait to be read; what comes beyond is dropped, and told by ``missed``."""


@dataclass(frozen=True)
class Notification:
    """One NOTIFY, or the news that some may have been missed.

    ``payload``  its text; empty where there was none.
    ``missed``   the connection was away, or nobody read for long: look for yourself what is new.
    """

    channel: str
    payload: str
    missed: bool = False


class Notifications:
    """An async iterator; what is sent after ``async with`` began, or the first ``anext``, is seen.

    It goes on over reconnects. Ends with ``ConnectionError`` when the storage disconnects.
    """

    def __init__(
        self,
        channel: str,
        join: Callable[[Notifications], Awaitable[None]],
        leave: Callable[[Notifications], None],
    ) -> None:
        self.channel: str = channel
        self._join = join
        self._leave = leave
        self._joined = False
        self._waiting: deque[Notification] = deque()
        self._dropped = False
        self._error: Optional[InfrastructureError] = None
        self._wake: Optional[asyncio.Future[None]] = None

    async def __aenter__(self) -> Self:
        """Return when the server sends what is notified from now on."""
        await self._start()
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        """Listen no more."""
        await self.aclose()

    async def aclose(self) -> None:
        """Listen no more."""
        if self._joined:
            self._joined = False
            self._leave(self)

        if self._wake is not None and not self._wake.done():
            msg = f"listen: the channel {self.channel!r} was closed by aclose() meanwhile"
            self._error = ConnectionError(msg, outcome="not_applied", operation="listen")
            self._wake_up()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notification:
        """Wait for the next one; a ``deadline`` block around it counts, no default does."""
        expires = expiry(None)

        # What came before the end of the storage is given yet.
        while not self._waiting:
            if self._error is not None:
                error, self._error = self._error, None
                raise error

            if self._dropped:
                self._dropped = False
                return Notification(self.channel, "", missed=True)

            await self._start()

            if not self._waiting and self._error is None:
                await self._wait(expires)

        return self._waiting.popleft()

    async def _start(self) -> None:
        if not self._joined:
            self._error = None
            await self._join(self)
            self._joined = True

    async def _wait(self, expires: float) -> None:
        # One for all who wait: the first of them takes what came.
        if self._wake is None or self._wake.done():
            self._wake = asyncio.get_running_loop().create_future()

        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())
        done, _ = await asyncio.wait({self._wake}, timeout=remaining)

        if not done:
            msg = (
                f"listen: the deadline passed before anything came on the channel {self.channel!r}; "
                "it is that of the block around it, without which it waits for as long as it takes"
            )
            raise TimeoutError(msg, operation="listen")

    def put(self, notification: Notification) -> None:
        """Take in what came."""
        if len(self._waiting) < _MOST:
            if self._dropped:
                self._dropped = False
                self._waiting.append(Notification(self.channel, "", missed=True))

            self._waiting.append(notification)
        else:
            self._dropped = True

        self._wake_up()

    def fail(self, error: InfrastructureError) -> None:
        """End with ``error``, after what has come before."""
        self._error = error
        self._joined = False
        self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
