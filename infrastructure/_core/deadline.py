"""Ends an operation at its deadline, with our error, without losing a cancellation."""

from __future__ import annotations

import asyncio
import math
import time
from types import TracebackType
from typing import Optional, Self

from ..interfaces._context import (
    check_seconds,
    deadline,
    expiry,
    open_instant,
    refuse_when_expired,
)
from ..interfaces.exceptions import Outcome, TimeoutError

__all__ = ["Limit", "check_seconds", "deadline", "expiry", "open_instant", "refuse_when_expired"]


class Limit:
    """``async with Limit("get", 5.0):`` ends by the open deadline, or else after 5 s.

    On expiry the body is cancelled and ``TimeoutError`` raised in its place, with the
    ``outcome`` that the body last noted (``limit.outcome = "unknown"`` once something was
    sent); ``more`` goes on with its text. A cancellation from outside passes through as it is. Where ``expires=``, an instant
    of ``time.monotonic()``, is given, it counts in place of both.
    """

    __slots__ = ("_timeout", "expires", "more", "operation", "outcome")

    def __init__(
        self,
        operation: str,
        default: Optional[float] = None,
        *,
        outcome: Outcome = "not_applied",
        expires: Optional[float] = None,
    ) -> None:
        self.operation: str = operation
        self.outcome: Outcome = outcome
        self.more: str = ""
        self.expires: float = expiry(default) if expires is None else expires
        self._timeout: Optional[asyncio.Timeout] = None

    @property
    def remaining(self) -> float:
        """Seconds left, ``inf`` where there is no limit, 0 when it has passed."""
        return max(0.0, self.expires - time.monotonic())

    async def __aenter__(self) -> Self:
        if self.expires == math.inf:
            return self

        if self.expires <= time.monotonic():
            raise self._error()

        # The loop's clock need not be time.monotonic(): go by what is left.
        self._timeout = asyncio.timeout(self.remaining)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self._timeout is None:
            return

        try:
            await self._timeout.__aexit__(exc_type, exc, traceback)
        except asyncio.TimeoutError as expired:
            # asyncio.Timeout raises a builtin one of its own only for its own expiry.
            raise self._error() from expired

    def _error(self) -> TimeoutError:
        msg = f"{self.operation}: the deadline passed{self.more}"
        return TimeoutError(
            msg,
            outcome=self.outcome,
            # What comes behind the method is for the text.
            operation=self.operation.partition(" ")[0],
            retryable=self.outcome == "not_applied",
        )
