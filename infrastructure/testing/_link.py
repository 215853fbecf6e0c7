"""One connection through a proxy: the client's socket, the server's, and a pipe each way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, cast

from ._faults import Direction, Ending, Faults
from ._pipe import Pipe

__all__ = ["Link", "Upstream"]

Upstream = Callable[[Callable[[], asyncio.Protocol]], Awaitable[Any]]
"""Connects a protocol to the server."""

# Pieces of unread bytes that are thrown away before a close: more than a kernel buffers.
_UNREAD = 256


class _Side(asyncio.Protocol):
    """One of the two sockets."""

    def __init__(self, reads: Pipe, writes: Pipe, lost: Callable[[], None]) -> None:
        self.reads = reads
        self._writes = writes
        self._lost = lost
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asserted: uvloop's transports are no subclasses of asyncio's.
        made = cast("asyncio.Transport", transport)
        self.transport = self.reads.source = self._writes.sink = made
        # Until the other side is there.
        made.pause_reading()

    def data_received(self, data: bytes) -> None:
        self.reads.feed(data)

    def eof_received(self) -> bool:
        self.reads.feed(b"")
        return True

    def pause_writing(self) -> None:
        self._writes.block(True)

    def resume_writing(self) -> None:
        self._writes.block(False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = self.reads.source = self._writes.sink = None
        self._lost()

    def end(self, ending: Ending, *, flush: bool) -> None:
        """Close; with what was written, or without waiting for anybody."""
        if self.transport is None:
            return

        _prepare(self.transport.get_extra_info("socket"), ending)

        if flush:
            self.transport.close()
        else:
            self.transport.abort()


def _prepare(sock: socket.socket, ending: Ending) -> None:
    """See to it that closing ``sock`` sends a RST, or a FIN."""
    with suppress(OSError):
        if ending == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return

        # The kernel sends a RST instead of a FIN where received bytes were not read. A
        # transport's socket cannot receive, its duplicate can.
        with socket.fromfd(sock.fileno(), sock.family, sock.type) as twin:
            twin.setblocking(False)
            any(not twin.recv(65536) for _ in range(_UNREAD))


class Link:
    """A client's connection and its way on to the server; ``closed`` is called at its end."""

    def __init__(
        self, raw: socket.socket, faults: Mapping[Direction, Faults], closed: Callable[[Link], None]
    ) -> None:
        self._raw: socket.socket | None = raw
        self._closed = closed
        self.to_server = Pipe(faults["to_server"], self._pipe_ended)
        self.to_client = Pipe(faults["to_client"], self._pipe_ended)
        self._client = _Side(self.to_server, self.to_client, self._lost)
        self._server = _Side(self.to_client, self.to_server, self._lost)
        self._connecting: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def pipes(self) -> Mapping[Direction, Pipe]:
        """Both pipes, by their direction."""
        return {"to_server": self.to_server, "to_client": self.to_client}

    @property
    def is_half_open(self) -> bool:
        """Whether one side was ended and the other does not know."""
        sides = (self._client.transport, self._server.transport)
        return self._ended and any(side is not None and not side.is_closing() for side in sides)

    def begin(self, connecting: asyncio.Task[None]) -> None:
        """Note the task that runs ``connect``."""
        self._connecting = connecting
        connecting.add_done_callback(lambda _: self._close_when_done())

    async def connect(self, upstream: Upstream) -> None:
        """Connect to the server, then let the bytes flow; where there is none, reset the client."""
        try:
            await upstream(lambda: self._server)
        except OSError:
            self.end("reset", flush=False)
            return

        raw, self._raw = self._raw, None
        assert raw is not None
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self._client, raw)

        for pipe in (self.to_server, self.to_client):
            if not self._ended:
                pipe.start()

    def end(self, ending: Ending, direction: Direction = "both", *, flush: bool) -> None:
        """End the side that ``direction`` leads to; the other one is not told.

        ``flush``: the bytes on their way out of the proxy still go out.
        """
        if self._connecting is not None and not self._connecting.done():
            direction = "both"
            self._give_up_connecting(ending)

        self._ended = True
        self.to_server.stop(swallow=direction == "to_server")
        self.to_client.stop(swallow=direction == "to_client")

        if direction != "to_server":
            self._client.end(ending, flush=flush)

        if direction != "to_client":
            self._server.end(ending, flush=flush)

    def _give_up_connecting(self, ending: Ending) -> None:
        raw, self._raw = self._raw, None

        if raw is not None:
            _prepare(raw, ending)
            raw.close()

        if self._connecting is not asyncio.current_task() and self._connecting is not None:
            self._connecting.cancel()

    def _pipe_ended(self, ending: Ending | None) -> None:
        if ending is not None:
            self.end(ending, flush=True)
        elif self._ended or (self.to_server.finished and self.to_client.finished):
            # The side that was not told has closed by itself, or both have.
            self.end("cut", flush=True)

    def _lost(self) -> None:
        if not self._ended:
            # A side that is lost before both streams ended was reset: so is the other.
            self.end("reset", flush=False)

        self._close_when_done()

    def _close_when_done(self) -> None:
        connecting = self._connecting
        sides = (self._client.transport, self._server.transport)

        if connecting is not None and connecting.done() and sides == (None, None):
            self._closed(self)
