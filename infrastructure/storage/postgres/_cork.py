"""Statements that many tasks send in one turn of the loop leave in one packet."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress

__all__ = ["Cork"]

# Of Linux; elsewhere each write leaves by itself.
_CORK: int | None = getattr(socket, "TCP_CORK", None)


class Cork:
    """Lets what is written in one turn of the loop leave together, in as few packets as it takes.

    libpq hands each statement to the system by itself; the server would be woken for each.
    """

    def __init__(self, descriptor: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._is_in = False

        # Where the process has no descriptor left each write leaves by itself, too.
        with suppress(OSError):
            self._socket = _own(descriptor)

    def put_in(self) -> None:
        """Hold back what is written from now on, until the loop's next turn."""
        if self._socket is not None and not self._is_in:
            self._is_in = True
            self._set(1)
            self._loop.call_soon(self._take_out)

    def _take_out(self) -> None:
        self._is_in = False
        self._set(0)

    def _set(self, value: int) -> None:
        # A peer that is gone is found by whoever reads.
        with suppress(OSError):
            if self._socket is not None and _CORK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, _CORK, value)

    def close(self) -> None:
        """Let go of the socket, which stays open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _own(descriptor: int) -> socket.socket | None:
    if _CORK is None:
        return None

    mine = socket.socket(fileno=os.dup(descriptor))

    if mine.family == socket.AF_UNIX:
        mine.close()
        return None

    return mine
