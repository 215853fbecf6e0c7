"""redis-py's connections, made to let go at once, to tell refusals apart, and to verify TLS our way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from redis._parsers import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection, Connection, UnixDomainSocketConnection

from ._signals import Refused
from ._sinks import Command

__all__ = ["Keeper", "TcpWire", "UnixWire", "Wire"]

_ABANDONED: list[object] = []


class Keeper(Protocol):
    """Hears of the connections of a pool."""

    def made(self, wire: Wire, /) -> None:
        """Hear of a new one, which is not connected yet."""
        ...

    def lost(self) -> None:
        """Hear that the server closed one while nobody used it."""
        ...


class _Parser(_AsyncHiredisParser):
    """Gives an error reply to a command of ours as a value, whole, and in its order.

    The driver's classes have lost the first word of its text, and some of them end the
    connection. In the handshake the driver wants them.
    """

    in_handshake = True

    def parse_error(self, response: str) -> Exception:  # type: ignore[override]  # called on the instance
        """Return the error of an error reply."""
        if not self.in_handshake:
            return Refused(response)

        error: Exception = super().parse_error(response)  # type: ignore[no-untyped-call]
        return error


class Wire(AbstractConnection):
    """A connection that serves one exchange at a time.

    When one is cut short, redis-py itself disconnects: a late reply meets nobody.
    """

    def __init__(self, *, keeper: Keeper, **settings: Any) -> None:
        super().__init__(parser_class=_Parser, **settings)
        assert isinstance(self._parser, _Parser)
        self._answers = self._parser
        self._keeper = keeper
        keeper.made(self)

    async def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send all in one write; return the reply of each, a ``Refused`` where it is an error."""
        self._answers.in_handshake = False
        await self.send_packed_command(self.pack_commands(commands), check_health=False)
        return [await self.read_response() for _ in commands]

    async def connect(self) -> None:
        """Connect, anew where the server closed it meanwhile; the pool calls it before each use."""
        if self._is_stale:
            self._keeper.lost()
            self.abort()

        if not self.is_connected:
            self._answers.in_handshake = True
            await super().connect()  # type: ignore[no-untyped-call]

    async def disconnect(self, *args: Any, **settings: Any) -> None:
        """Disconnect without waiting: a frozen server would take the rest of a write some day."""
        self.abort()
        await super().disconnect(*args, **settings)

    def abort(self) -> None:
        """Disconnect at once, also while a task waits for a reply: that gets an error."""
        writer = self._writer

        if writer is not None:
            self._reader = self._writer = None
            writer.transport.abort()

    def abandon(self) -> None:
        """Forget the socket, whose loop is closed or in another process.

        Its transport can neither be closed without its loop nor be collected without a warning.
        """
        _ABANDONED.append(self._writer)
        self._reader = self._writer = None

    @property
    def _is_stale(self) -> bool:
        reader, writer = self._reader, self._writer

        if reader is None or writer is None:
            return False

        return reader.at_eof() or reader.exception() is not None or writer.is_closing()


class TcpWire(Wire, Connection):
    """To a host and a port."""

    def __init__(self, *, tls: ssl.SSLContext | None, **settings: Any) -> None:
        super().__init__(**settings)
        self._tls = tls

    def _connection_arguments(self) -> Mapping[str, Any]:
        # Not the driver's own context: that trusts the system's authorities beside tls_ca_file=.
        return {**super()._connection_arguments(), "ssl": self._tls}


class UnixWire(Wire, UnixDomainSocketConnection):
    """To a socket in the file system."""

    async def _connect(self) -> None:
        # The driver's own also logs in here, and hides a refusal in an error of the connection.
        self._reader, self._writer = await asyncio.open_unix_connection(self.path)
