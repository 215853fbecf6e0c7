"""One direction of one connection: bytes in from a socket, late, damaged or not, out to another."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context

from ._faults import Ending, Faults, Flip, Truncation

__all__ = ["HELD", "Pipe"]

HELD = 8 * 2**20
"""Bytes that a delay may hold in one direction of one connection before reading stops."""


class Pipe:
    """Forwards what is fed to ``sink``; stops reading ``source`` while it may not.

    ``ended`` is called with how the connection is to end when enough bytes went through,
    and with ``None`` when the end of the stream did.
    """

    def __init__(self, faults: Faults, ended: Callable[[Ending | None], None]) -> None:
        self._faults = faults
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self.source: asyncio.Transport | None = None
        self.sink: asyncio.Transport | None = None
        # When each came, and what; no bytes are the end of the stream.
        self._queue: deque[tuple[float, memoryview]] = deque()
        self._held = 0
        self._sent = 0
        self._timer: asyncio.Handle | None = None
        self._started = False
        self._blocked = False
        self._swallows = False
        self._truncation: Truncation | None = None
        self._flips: list[Flip] = []
        self.finished = False

    def mark(self, mark: Truncation | Flip) -> None:
        """Do ``mark``, counted from the next byte that leaves; a truncation replaces another."""
        if isinstance(mark, Flip):
            self._flips.append(Flip(self._sent + mark.at, mark.bit))
        else:
            self._truncation = Truncation(self._sent + mark.after, mark.ending)

            if self._started:
                self._end_when_due()

    def heal(self) -> None:
        """Forget the marks; what was held back goes on."""
        self._truncation = None
        self._flips.clear()
        self.review()

    def start(self) -> None:
        """Begin: both sockets are there."""
        self._started = True
        self._end_when_due()
        self.review()

    def stop(self, *, swallow: bool) -> None:
        """Drop what is held and forward nothing more; read on, for the end, where ``swallow``."""
        self._started = False
        self._swallows = swallow
        self._queue.clear()
        self._held = 0
        self._cancel_timer()
        self._set_reading()

    def feed(self, data: bytes) -> None:
        """Take what was read; no bytes are the end of the stream."""
        if self._swallows:
            if not data:
                self._ended(None)

            return

        self._queue.append((self._loop.time(), memoryview(data)))
        self._held += len(data)

        if self._timer is None:
            self._pump()
        else:
            self._set_reading()

    def block(self, blocked: bool) -> None:
        """Note whether the sink has enough for now."""
        self._blocked = blocked
        self._cancel_timer()
        # Not at once: asyncio's transports end twice where a write fails while they resume us.
        self._timer = self._loop.call_soon(self.review, context=Context())

    def review(self) -> None:
        """Look again: a fault or the sink has changed."""
        self._cancel_timer()
        self._pump()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        faults = self._faults

        while self._queue and self._started and not (faults.black_hole or self._blocked):
            wait = self._queue[0][0] + faults.delay - self._loop.time() if faults.delay else 0.0

            if wait > 0:
                self._timer = self._loop.call_later(wait, self.review, context=Context())
                break

            self._send(self._next(faults.split))

            if faults.split is not None and self._queue:
                # Two turns: in the one between, the receiver reads what it was sent.
                self._timer = self._loop.call_soon(self._soon, context=Context())
                break

        self._set_reading()

    def _soon(self) -> None:
        self._timer = self._loop.call_soon(self.review)

    def _next(self, size: int | None) -> memoryview:
        came, data = self._queue.popleft()

        if size is not None and len(data) > size:
            self._queue.appendleft((came, data[size:]))
            data = data[:size]

        self._held -= len(data)
        return data

    def _send(self, data: memoryview) -> None:
        if not data:
            self._finish()
            return

        if self._truncation is not None:
            data = data[: self._truncation.after - self._sent]

        # A socket that is lost stops its pipes.
        assert self.sink is not None
        self.sink.write(self._flipped(data) if self._flips else data)
        self._sent += len(data)
        self._faults.forwarded += len(data)
        self._end_when_due()

    def _flipped(self, data: memoryview) -> bytes:
        changed = bytearray(data)
        here = range(self._sent, self._sent + len(data))

        for flip in self._flips:
            if flip.at in here:
                changed[flip.at - self._sent] ^= 1 << flip.bit

        self._flips = [flip for flip in self._flips if flip.at >= here.stop]
        return bytes(changed)

    def _end_when_due(self) -> None:
        if self._truncation is not None and self._sent >= self._truncation.after:
            self._ended(self._truncation.ending)

    def _finish(self) -> None:
        self.finished = True
        assert self.sink is not None

        # A peer that has reset its connection knows no half-close; the loop tells of it next.
        with suppress(OSError):
            self.sink.write_eof()

        self._ended(None)

    def _set_reading(self) -> None:
        if self.source is None or self.source.is_closing():
            return

        held_back = self._faults.black_hole or self._blocked or self._held >= HELD

        if self._swallows or (self._started and not held_back):
            self.source.resume_reading()
        else:
            self.source.pause_reading()
