"""A TCP proxy that a test can make slow, silent, lossy or dead, at any moment."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from .._core.tasks import Tasks
from ..interfaces.exceptions import ConnectionError, ValidationError
from ._faults import (
    Counting,
    Direction,
    Ending,
    Faults,
    Flip,
    Truncation,
    check_choice,
    check_count,
)
from ._link import Link
from ._listener import HOST, Listener
from ._target import Target, check_target, connect_to, shown

__all__ = ["ChaosProxy"]


class ChaosProxy:
    """Stands between a client and ``target``, on a loopback port, and misbehaves on request.

    ::

        async with ChaosProxy(("127.0.0.1", 6379)) as proxy:
            async with RedisCache(f"redis://{proxy.host}:{proxy.port}", deadline=1) as cache:
                proxy.black_hole()
                ...  # TimeoutError
                proxy.heal()
                ...  # works again

    ``target``  ``(host, port)``, or the path of a Unix socket; need not be there yet.
    ``port``    to listen on: 0 for a free one. A broker that tells its clients where it is must
                know it before it starts.

    Faults are switched by plain calls from the event loop that entered the proxy; they take
    effect at once, for open connections as for later ones where nothing else is said, and last
    until ``heal``. Those of bytes have a ``direction``. Memory is bounded: at most ``HELD``
    bytes (8 MiB) are held for each direction of a connection, and what may not go on is left
    in the kernel, so that the sender feels it. Leaving the block ends every connection and
    every task; the proxy may then be entered again, on the same port.
    """

    def __init__(self, target: Target, *, port: int = 0) -> None:
        self._target = check_target(target)
        self._faults: dict[Direction, Faults] = {"to_server": Faults(), "to_client": Faults()}
        self._listener = Listener(check_count("port", port, 0, 65535), self._accept)
        self._tasks = Tasks("chaos proxy")
        self._links: set[Link] = set()
        self._all_closed: asyncio.Future[None] | None = None
        self._entered = False
        self._refusing = False
        self._accepted = 0

    async def __aenter__(self) -> Self:
        if self._entered:
            msg = f"{self!r} is entered already"
            raise ValidationError(msg, operation="enter")

        self._listener.open()
        self._entered = True
        self._refusing = False
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # All of it before the first wait: a cancellation leaves nothing open.
        self._entered = False
        self._listener.close()
        self._all_closed = asyncio.get_running_loop().create_future()
        self._see_whether_all_closed()

        for link in tuple(self._links):
            link.end("cut", flush=False)

        await self._tasks.cancel()
        await self._all_closed

    def __repr__(self) -> str:
        state = "closed" if not self._entered else "refusing" if self._refusing else "listening"
        told = [state, f"{self.open} open"]
        told += [f"{name}: {faults}" for name, faults in self._faults.items() if str(faults)]
        return (
            f"<ChaosProxy {HOST}:{self._listener.port} -> {shown(self._target)}, {', '.join(told)}>"
        )

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return HOST

    @property
    def port(self) -> int:
        """The port that it listens on; the same for as long as the proxy lives."""
        if not self._listener.port:
            msg = "the proxy has no port yet: enter it by `async with`, or give it one by port="
            raise ConnectionError(msg, operation="port")

        return self._listener.port

    @property
    def accepted(self) -> int:
        """How many connections were accepted so far."""
        return self._accepted

    @property
    def open(self) -> int:
        """How many connections are open now, half-open ones too."""
        return len(self._links)

    @property
    def bytes_to_server(self) -> int:
        """How many bytes were forwarded to the server so far, over all connections."""
        return self._faults["to_server"].forwarded

    @property
    def bytes_to_client(self) -> int:
        """How many bytes were forwarded to the client so far, over all connections."""
        return self._faults["to_client"].forwarded

    def redirect(self, target: Target) -> None:
        """Lead later connections to another server; open ones stay where they are."""
        self._target = check_target(target)

    def cut(self, direction: Direction = "both") -> None:
        """End the open connections by a FIN, as a server that stops does; later ones work.

        What was forwarded still arrives, what a fault holds back is lost. Where ``direction``
        is not ``both`` only that side is told: the other one is read, unanswered, and reset
        by ``heal``: a peer that vanished.
        """
        self._end("cut", direction, flush=True)

    def reset(self, direction: Direction = "both") -> None:
        """End the open connections by a RST, as a peer that crashed does; later ones work.

        Of what was forwarded, that which the kernel has not delivered may be lost. For
        ``direction`` see ``cut``. A Unix socket knows no RST: it is closed.
        """
        self._end("reset", direction, flush=False)

    def _end(self, ending: Ending, direction: Direction, *, flush: bool) -> None:
        check_choice("direction", direction, Direction)

        for link in tuple(self._links):
            link.end(ending, direction, flush=flush)

    def refuse(self) -> None:
        """Refuse further connections; open ones stay, and the port remains the proxy's."""
        if not self._entered:
            msg = f"refuse: {self!r} is not entered; use `async with`"
            raise ConnectionError(msg, operation="refuse")

        self._refusing = True
        self._listener.refuse()

    def black_hole(self, direction: Direction = "both") -> None:
        """Forward nothing and read nothing; connections are accepted, and none ends.

        Nothing is lost: what was sent meanwhile is late, and goes on after ``heal``, the end
        of a stream too.
        """
        for faults in self._of(direction):
            faults.black_hole = True

        self._review()

    def delay(self, seconds: float, direction: Direction = "both") -> None:
        """Forward each byte, and the end of a stream, ``seconds`` after it came; 0 for at once.

        Order is kept, bytes that are on their way count too. It is a latency, one way, and no
        limit of the throughput, up to 8 MiB on their way in one connection.
        """
        if type(seconds) not in (int, float) or not 0 <= seconds < math.inf:
            msg = f"delay takes a number of seconds from 0 on, got {seconds!r}"
            raise ValidationError(msg, operation="delay")

        for faults in self._of(direction):
            faults.delay = float(seconds)

        self._review()

    def split(self, size: int | None, direction: Direction = "both") -> None:
        """Forward in pieces of at most ``size`` bytes; ``None`` as it comes.

        Each is a segment of its own. A receiver in this event loop reads them one by one,
        another process may find several at once.
        """
        if size is not None:
            check_count("size", size, 1)

        for faults in self._of(direction):
            faults.split = size

        self._review()

    def truncate(
        self,
        after: int,
        direction: Direction,
        *,
        ending: Ending = "cut",
        counting: Counting = "now",
    ) -> None:
        """Forward exactly ``after`` bytes of ``direction``, then end that connection, both sides.

        ``counting="now"``: so many more in each connection that is open; ``"next"``: in the next
        one from its first byte, and in no other. It ends as soon as the last one was forwarded,
        for 0 at once. A reset does not wait for a receiver whose kernel had no room for all of
        them. A second call replaces the first.
        """
        mark = Truncation(check_count("after", after, 0), check_choice("ending", ending, Ending))
        self._mark(mark, direction, counting)

    def flip(
        self, at: int, direction: Direction, *, bit: int = 0, counting: Counting = "now"
    ) -> None:
        """Invert ``bit`` (0 is the lowest) of byte ``at`` (0 is the first) of ``direction``.

        ``counting`` as for ``truncate``. Each call adds one.
        """
        mark = Flip(check_count("at", at, 0), check_count("bit", bit, 0, 7))
        self._mark(mark, direction, counting)

    def _mark(self, mark: Truncation | Flip, direction: Direction, counting: Counting) -> None:
        if check_choice("counting", counting, Counting) == "next":
            for faults in self._of(direction):
                faults.marks.append(mark)

            return

        for name in self._names(direction):
            for link in tuple(self._links):
                link.pipes[name].mark(mark)

    def heal(self) -> None:
        """End every fault: listen, forward, forget what was to come.

        What was held back goes on at once, in order. Sides that ``cut`` or ``reset`` left
        half-open are reset. Without a fault it has no effect.
        """
        for faults in self._faults.values():
            faults.heal()

        if self._entered:
            self._refusing = False
            self._listener.accept()

        for link in tuple(self._links):
            if link.is_half_open:
                link.end("reset", flush=False)

            for pipe in link.pipes.values():
                pipe.heal()

    def _names(self, direction: Direction) -> tuple[Direction, ...]:
        check_choice("direction", direction, Direction)
        return ("to_server", "to_client") if direction == "both" else (direction,)

    def _of(self, direction: Direction) -> Iterator[Faults]:
        return (self._faults[name] for name in self._names(direction))

    def _review(self) -> None:
        for link in tuple(self._links):
            for pipe in link.pipes.values():
                pipe.review()

    def _accept(self, sock: socket.socket) -> None:
        self._accepted += 1
        link = Link(sock, self._faults, self._on_closed)

        for name, pipe in link.pipes.items():
            for mark in self._faults[name].take_marks():
                pipe.mark(mark)

        self._links.add(link)
        link.begin(self._tasks.start(link.connect(self._upstream), "connect"))

    async def _upstream(self, factory: Callable[[], asyncio.Protocol]) -> None:
        await connect_to(self._target, factory)

    def _on_closed(self, link: Link) -> None:
        self._links.discard(link)
        self._see_whether_all_closed()

    def _see_whether_all_closed(self) -> None:
        closed = self._all_closed

        if closed is not None and not closed.done() and not self._links:
            closed.set_result(None)
