"""Runs the requests of a cache, and forgets in time what they make untrue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...interfaces._flights import Flights
from ...interfaces.exceptions import OperationError
from ._commands import LARGE
from ._mode import Mode
from ._near import Near
from ._request import Request
from ._signals import Refused, Signal

__all__ = ["Calls", "unreadable"]


class Calls:
    """Runs requests in ``mode``.

    ``near``    the near cache, which drops what is changed here.
    ``flights`` the values that are being made: who is changed meanwhile is not stored.
    ``decode``  makes a value of stored bytes.
    """

    def __init__(
        self, mode: Mode, near: Near | None, flights: Flights, decode: Callable[[bytes], Any]
    ) -> None:
        self.mode = mode
        self.near = near
        self.flights = flights
        self._decode = decode

    async def ask(self, request: Request) -> Any:
        """Return the reply of a request, by the fast path where it can go there."""
        try:
            reply = await self.mode.send(request.name, request.command, request.lead)
        except Signal as why:
            return await self.mode.settle(request, why)

        return await self.settled(request, reply)

    async def settled(self, request: Request, reply: Any) -> Any:
        """Return the reply that the fast path brought, if that is one."""
        if type(reply) is Refused:
            return await self.mode.settle(request, reply)

        if not request.fits(reply):
            raise self.mode.distrust(request)

        return reply

    async def change(self, key: str, request: Request) -> Any:
        """Run what changes a key; what this process knows of it is forgotten before and after."""
        self.forget(key)

        try:
            return await (self.mode.run(request) if request.large else self.ask(request))
        finally:
            self.changed(key)

    def forget(self, key: str) -> None:
        """Forget what is known of a key that is about to be changed."""
        self.flights.supersede(key)
        self.changed(key)

    def changed(self, key: str) -> None:
        """Forget it again once it was: somebody may have read it in between."""
        if self.near is not None:
            self.near.drop(key)

    def value(self, operation: str, name: str, data: bytes) -> Any:
        """Return the value of the bytes stored under a full name."""
        if len(data) >= LARGE:
            self.mode.note_large(name)

        try:
            return self._decode(data)
        except OperationError as exc:
            raise unreadable(operation, name, exc) from exc


def unreadable(operation: str, name: str, exc: OperationError) -> OperationError:
    """Return the error of a stored value that another codec, or another program, has written."""
    msg = f"{operation}: what is stored under {name[:60]!r} cannot be read: {exc}"
    return OperationError(msg, outcome="not_applied", operation=operation)
