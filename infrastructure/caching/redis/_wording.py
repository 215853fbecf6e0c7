"""The texts of our errors for a request: what was tried, where, and what became of it."""

from __future__ import annotations

from ...interfaces.exceptions import ConnectionError, InfrastructureError, Outcome, TimeoutError
from ._request import Request
from ._signals import Lost, Refused
from .errors import refusal

__all__ = ["Wording"]


class Wording:
    """Words errors; ``where`` are the servers, without secrets."""

    def __init__(self, where: str) -> None:
        self._where = where

    def refused(self, request: Request, refused: Refused) -> InfrastructureError:
        """Return the error for what the server said."""
        return refusal(refused, self._tried(request), request.operation)

    def stopped(self, request: Request) -> ConnectionError:
        """Return the error of a request that met ``disconnect``."""
        msg = f"{self._tried(request)}: disconnect() was called"
        return ConnectionError(msg, outcome="not_applied", operation=request.operation)

    def lost(self, request: Request, lost: Lost) -> ConnectionError:
        """Return the error of a write that was sent and not answered."""
        msg = (
            f"{self._tried(request)}: the connection was lost before the answer came "
            f"({lost.__cause__}); it may or may not have been done"
        )
        return ConnectionError(msg, outcome="unknown", operation=request.operation)

    def damaged(self, request: Request) -> ConnectionError:
        """Return the error of a request whose reply is of another kind than belongs to it."""
        msg = (
            f"{self._tried(request)}: the answer is none to this command, so the connection was "
            "damaged on the way; it was given up"
        )
        outcome: Outcome = "not_applied" if request.reads else "unknown"
        return ConnectionError(msg, outcome=outcome, operation=request.operation)

    def overdue(self, request: Request, *, sent: bool) -> TimeoutError:
        """Return the error of a request whose deadline passed."""
        unknown = sent and not request.reads
        what = "no answer came" if sent else "there was no connection"
        more = "; it may or may not have been done" if unknown else ""
        return TimeoutError(
            f"{self._tried(request)}: {what} before the deadline{more}",
            outcome="unknown" if unknown else "not_applied",
            retryable=True,
            operation=request.operation,
        )

    def crowded(self, request: Request, size: int) -> TimeoutError:
        """Return the error of a request for which no connection became free before its deadline."""
        return TimeoutError(
            f"{self._tried(request)}: all {size} connections were in use until the deadline; "
            "raise max_connections=, or look at what holds them",
            outcome="not_applied",
            retryable=True,
            operation=request.operation,
        )

    def _tried(self, request: Request) -> str:
        return f"{request.operation} on {self._where}"
