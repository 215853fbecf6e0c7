"""One connection that many tasks share: requests go out together, replies come back in order."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from socket import socket
from time import monotonic
from typing import Any, NoReturn, cast

import hiredis
from hiredis import PushNotification, pack_command

from ._ledger import Ledger
from ._signals import NotSent, Refused
from ._sinks import Command, Lead, Probe, Sink, Timed
from ._tcp import Uptake

__all__ = ["CLOSED", "ClosedLink", "Link"]

_MORE = Ellipsis
"""What the reader gives when the rest of a reply is yet to come."""

_MAX_WAITING = 16_384
"""Requests that may be unanswered."""

_MAX_UNSENT = 8 * 2**20
"""Bytes that may be on this side of the socket."""

_PATIENCE = 0.5
"""Seconds after which a link that owes an answer and says nothing is suspect."""

_BURST = 32
"""Requests that leave without waiting for the end of the turn."""

_REST = 0.02
"""Seconds between two sweeps: a deadline is kept to its slack, not to the microsecond."""


_ABANDONED: list[object] = []


class ClosedLink:
    """Stands where no link is: the fast path meets it and goes the other way."""

    __slots__ = ()

    def send(
        self, command: Command, expires: float | None = None, lead: Lead | None = None
    ) -> NoReturn:
        """Send nothing."""
        raise NotSent(math.inf)


CLOSED = ClosedLink()


class Link(asyncio.Protocol):
    """A connection to one server, shared by any number of requests.

    The requests of one turn of the loop leave together: the first at once where nothing is under
    way, the others at the end of the turn or when they have become many. Their futures wait in a
    queue, and replies, which Redis gives in order, go to its head. Who was cancelled or is
    overdue leaves his place there, and the late reply goes nowhere.

    ``deadline``  seconds for requests that bring no instant of their own.
    ``lost``      called once, with the link, when it can be used no more.
    ``silent``    called when the link owes an answer and says nothing.
    ``push``      called with each push frame, in the order of the stream.
    """

    def __init__(
        self,
        name: str,
        deadline: float,
        *,
        lost: Callable[[Link], None],
        silent: Callable[[Link], None],
        push: Callable[[list[Any]], None],
    ) -> None:
        self.name = name
        self.tracks = False
        """Whether the server tells what it changes of the keys that were read here."""
        self.heard = monotonic()
        """The instant of the last bytes; of those of a large request too, when the peer takes them."""
        self._ledger = Ledger(deadline)
        # The ledger's own: as an attribute it is nearer.
        self.waiting: deque[Sink] = self._ledger.waiting
        self.error: BaseException | None = None
        """Why it can be used no more."""
        self._pace = min(_PATIENCE, deadline)
        self._lost, self._silent, self._push = lost, silent, push
        self._loop = asyncio.get_running_loop()
        # What create_future of the loops makes, without the way over Python code.
        self._future: Callable[[], asyncio.Future[Any]] = partial(asyncio.Future, loop=self._loop)
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(notEnoughData=_MORE, replyError=self._refused)
        # The packed requests that were not written yet: the last ones in the queue.
        self._out: list[bytes] = []
        # How many of these are of earlier turns: the socket took no more.
        self._held = 0
        self._unsent = 0
        self._uptake = Uptake()
        self._blocked = self._due_soon = False
        self._timer: asyncio.TimerHandle | None = None
        self._due = math.inf
        self._probe: Probe | None = None
        self._room: deque[asyncio.Future[None]] = deque()
        # Requests that may be unanswered, but for the places of those who were let in just now.
        self._most = _MAX_WAITING

    def __repr__(self) -> str:
        state = "open" if self.error is None else "closed"
        return f"<Link {self.name} {state}, {len(self.waiting)} unanswered>"

    def send(
        self, command: Command, expires: float | None = None, lead: Lead | None = None
    ) -> asyncio.Future[Any]:
        """Return the future of the reply; an error reply is its result too.

        It gets ``Overdue`` at ``expires``, or when the deadline of the link passes, and
        ``Lost`` or ``NotSent`` when the link breaks. Raises ``NotSent`` without room. ``lead``
        goes out just before it, in the same write.
        """
        if self._unsent > _MAX_UNSENT or len(self.waiting) >= self._most or self.error:
            raise NotSent(math.inf)

        future = self._future()
        data = pack_command(command)  # type: ignore[arg-type]  # its stub knows one-tuples only

        if lead is not None:
            self.waiting.append(lead)
            self._out.append(lead.request)

        if expires is None:
            self.waiting.append(future)
        else:
            self.waiting.append(Timed(future, expires))
            self._sweep_by(expires)

        self._unsent += len(data)
        self._out.append(data)

        # The server begins with these while more are made here.
        if len(self.waiting) == 1 or len(self._out) >= _BURST:
            self._write()
        elif not self._due_soon:
            self._flush_soon()

        return future

    @property
    def has_room(self) -> bool:
        """Whether another request may be made now."""
        return self._unsent <= _MAX_UNSENT and len(self.waiting) < self._most

    async def room(self) -> None:
        """Return when another request may be made, at once: first come, first served."""
        if self.error is not None or (self.has_room and not self._room):
            return

        place = self._loop.create_future()
        self._room.append(place)

        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                # Who was cancelled in the turn in which he would have come in stands there no more.
                with suppress(ValueError):
                    self._room.remove(place)
            else:
                self._most += 1
                self._admit()

            raise

        self._most += 1

    @property
    def socket(self) -> socket | None:
        """The socket beneath, where there is one."""
        return self._transport.get_extra_info("socket") if self._transport else None

    def silence(self, now: float) -> float:
        """Return for how long an answer has been due and nothing came that tells of one, 0.0 below half a second."""
        asked = self._ledger.since(self._fresh)
        since = now if asked is None else asked

        # What nobody waits for any more may be late for ever: the stream may be damaged.
        if self.waiting and not self.waiting[0].done() and self.waiting[0] is not self._probe:
            since = max(since, self.heard)

        silent = now - since
        return silent if silent >= _PATIENCE else 0.0

    def leave(self, seconds: float) -> None:
        """Take nothing but refusals of what was sent, for so long at most: then close."""
        self._most = 0
        self._ledger.doubt(self._fresh)
        self._loop.call_later(seconds, self.close)

    def close(self) -> None:
        """Close at once; what waits gets ``Lost``."""
        self.fail(ConnectionAbortedError("the link was closed"))

    def fail(self, error: BaseException) -> None:
        """Let go of the connection for ``error``."""
        if self.error is not None:
            return

        self.error = error

        if self._timer is not None:
            self._timer.cancel()

        if self._transport is not None:
            self._transport.abort()

        self._ledger.scatter(error, self._fresh, len(self._out))
        self._out, self._held = [], 0

        while self._room:
            self._let_in()

        self._lost(self)

    def abandon(self) -> None:
        """Forget the connection, whose loop is closed or in another process.

        Its transport can neither be closed without its loop nor be collected without a warning.
        """
        self.error = ConnectionAbortedError("the link was left behind")
        _ABANDONED.append(self._transport)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # Not asserted: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_MAX_UNSENT // 8)

        if self.error is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        self.fail(exc or ConnectionResetError("the server closed the connection"))

    def eof_received(self) -> None:
        """Let the transport close: a server that ends its side is done."""

    def pause_writing(self) -> None:
        """Hold back what comes from now on: the socket takes no more."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Go on, in a turn of its own: a write in here could close the transport under asyncio."""
        self._blocked = False
        self._unsent = self._buffered() + sum(map(len, self._out))
        self._flush_soon()
        self._admit()

    def data_received(self, data: bytes) -> None:
        """Give each reply to the request at the head of the queue."""
        self.heard = monotonic()
        gets, head = self._reader.gets, self.waiting.popleft
        reply: Any = None

        try:
            self._reader.feed(data)

            while (reply := gets()) is not _MORE:
                if type(reply) is PushNotification:
                    self._push(reply)
                    continue

                try:
                    head().set_result(reply)
                except asyncio.InvalidStateError:
                    # Cancelled or overdue: nobody waits for it.
                    continue
        except hiredis.ProtocolError as exc:
            self.fail(exc)
        except IndexError as exc:
            # Nobody asked for it: a full server tells why it hangs up; else no reply counts any more.
            self.fail(reply if type(reply) is Refused else exc)

        if self._room:
            self._admit()

    def _flush_soon(self) -> None:
        self._due_soon = True
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write what came in this turn."""
        self._due_soon = False
        self._write()

    def _write(self) -> None:
        if self._transport is None or self.error is not None or not self._out:
            return

        now = monotonic()

        if fresh := self._fresh:
            self._ledger.note(now, fresh)

        if self._blocked:
            self._held = len(self._out)
            return

        out, self._out, self._held = self._out, [], 0
        data = out[0] if len(out) == 1 else b"".join(out)
        self._uptake.written += len(data)
        self._transport.write(data)
        self._unsent = self._buffered()

        if self._timer is None:
            self._sweep_by(now + self._pace)

        if self._room:
            self._admit()

    @property
    def _fresh(self) -> int:
        """How many requests are of this turn."""
        return len(self._out) - self._held

    def _buffered(self) -> int:
        assert self._transport is not None
        return self._transport.get_write_buffer_size()

    def _admit(self) -> None:
        """Let in as many as there is room for."""
        while self._room and self.has_room:
            self._let_in()

    def _let_in(self) -> None:
        place = self._room.popleft()

        if not place.done():
            # Kept for him until his turn: others would be faster.
            self._most -= 1
            place.set_result(None)

    def _sweep_by(self, instant: float) -> None:
        """See to it that a sweep comes by ``instant``."""
        if instant >= self._due:
            return

        if self._timer is not None:
            self._timer.cancel()

        delay = max(_REST, instant - monotonic())
        self._due = instant
        self._timer = self._loop.call_later(delay, self._sweep, context=Context())

    def _sweep(self) -> None:
        """End what is overdue; see whether the server still speaks."""
        self._timer, self._due = None, math.inf
        now = monotonic()
        following = self._ledger.sweep(now, self._fresh)

        # It cannot answer a large request before it has all of it.
        if self._uptake.is_seen(self.socket, self._buffered()):
            self.heard = now

        if self.silence(now):
            self._silent(self)

        if self.waiting and self.error is None:
            self._ask_step(now)
            self._sweep_by(min(following, now + self._pace))

    def _ask_step(self, now: float) -> None:
        """Put a question among the others whose answer shows whether the link is in step."""
        if not self.has_room or (self._probe and not self._probe.is_over(now - _PATIENCE)):
            return

        self._probe = Probe(self.fail, now)
        self.waiting.append(self._probe)
        self._out.append(self._probe.request)

        if not self._due_soon:
            self._flush_soon()

    def _refused(self, text: str) -> Refused:
        """Make the error of an error reply: it belongs to the head of the queue."""
        refused = Refused(text)
        refused.expires = self._ledger.expires(self._fresh)
        return refused
