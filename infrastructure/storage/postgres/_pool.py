"""The connections that are given to one user at a time: the last one back is the first one out."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import copy

from ..._core.tasks import Tasks
from ...interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    TimeoutError,
    TransactionError,
)
from .._levels import Level
from ._connection import Connection
from ._overdue import Overdue
from ._wire import Wire
from .errors import MORE_TIME

__all__ = ["Pool"]

_SETTLE = 1.0
"""Seconds that a connection has to become clean before it is closed."""
_DIAL = 10.0
"""Seconds that an attempt to connect may take."""
_PATIENCE = 0.4
"""Seconds after which an attempt without an answer no longer holds up a further one."""
_BEGIN = "begin_transaction"
"""What a transaction asks for a connection for."""

Dial = Callable[[Callable[[Wire], None], float], Awaitable[Connection]]


class Waiter:
    """Somebody who waits for a connection; ``held`` is the transaction that he has open."""

    __slots__ = ("granted", "held", "since", "tried")

    def __init__(self, held: Level | None, tried: str) -> None:
        self.held = held
        self.tried = tried
        self.since = time.monotonic()
        self.granted: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()


class Pool:
    """At most ``size`` connections, each made by ``dial`` when somebody needs it.

    ``shared``        how many more there are that many use at a time.
    ``transactions``  tells which are open, for the text of a time-out.
    ``own``           tells the connections of whoever is in a transaction.
    """

    def __init__(
        self,
        dial: Dial,
        size: int,
        *,
        shared: int = 0,
        transactions: Callable[[], str],
        own: Callable[[Level], set[Connection]],
    ) -> None:
        self._dial = dial
        self._size = size
        self._shared = shared
        self._transactions = transactions
        self._own = own
        self._idle: list[Connection] = []
        # Each with what it was asked for.
        self._leased: dict[Connection, str] = {}
        self._queue: deque[Waiter] = deque()
        self._dials: dict[asyncio.Task[Connection | InfrastructureError], float] = {}
        self._failing = False
        self._once_more = Overdue(self._grow_again)
        self._quiet: asyncio.Future[None] | None = None
        self._closed: str | None = None
        self._tasks = Tasks("storage")

    @property
    def is_closed(self) -> bool:
        """Whether it gives no connection any more."""
        return self._closed is not None

    @property
    def is_full(self) -> bool:
        """Whether all connections that there may be are in use."""
        return not self._idle and len(self._leased) >= self._size

    async def lease(self, expires: float, held: Level | None, tried: str) -> Connection:
        """Return a connection that nobody else has."""
        if self._closed is not None:
            # Who was at work when it was closed would open a connection that nobody closes.
            msg = f"{tried}: {self._closed}"
            raise ConnectionError(msg, outcome="not_applied", operation=tried)

        connection = self.take(tried)

        if connection is not None:
            return connection

        waiter = Waiter(held, tried)
        self._refuse_own(waiter, tried)
        self._queue.append(waiter)
        self._grow()

        try:
            return await self._granted(waiter, expires, tried)
        except BaseException:
            self._withdraw(waiter)
            raise

    def take(self, tried: str) -> Connection | None:
        """Return an idle connection, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            # First: it is nobody's idle connection any more where it turns out to be dead.
            self._leased[connection] = tried

            if connection.looks_alive():
                return connection

            self._leased.pop(connection, None)

        return None

    async def _granted(self, waiter: Waiter, expires: float, tried: str) -> Connection:
        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())
        await asyncio.wait({waiter.granted}, timeout=remaining)

        if waiter.granted.done():
            return waiter.granted.result()

        if self._dials and not self._leased:
            msg = (
                f"{tried}: the deadline passed while a connection to the server was opened; "
                f"look whether it answers, or {MORE_TIME}"
            )
        else:
            msg = (
                f"{tried}: all {self._size} connections were in use until the deadline; "
                f"{self._holders()}; {self._way_out()}"
            )

        raise TimeoutError(msg, retryable=True, outcome="not_applied", operation=tried)

    def _holders(self) -> str:
        others = Counter(tried for tried in self._leased.values() if tried != _BEGIN)
        listed = ", ".join(f"{count} x {tried}" for tried, count in others.items())
        open_now = f"open transactions: {self._transactions() or 'none'}"
        return f"{open_now}; and {listed}" if listed else open_now

    def _way_out(self) -> str:
        """Return what gives more of these connections."""
        kept, given = self._shared, self._shared + self._size
        share = f", which keeps {kept} of {given} for short statements of many tasks, unless pipelining=False"
        return "raise max_connections=" + (share if kept else "")

    def _withdraw(self, waiter: Waiter) -> None:
        """Take a waiter out; a connection that he got meanwhile goes to the next."""
        with suppress(ValueError):
            self._queue.remove(waiter)

        if waiter.granted.done() and not waiter.granted.cancelled():
            if waiter.granted.exception() is None:
                self.release(waiter.granted.result())
        else:
            waiter.granted.cancel()

    def _refuse_own(self, waiter: Waiter, tried: str) -> None:
        """Raise where nobody could ever give the waiter a connection: all who have one wait too."""
        if waiter.held is None or len(self._leased) < self._size:
            return

        waiting = [other.held for other in (*self._queue, waiter) if other.held is not None]

        if self._leased.keys() <= set().union(*map(self._own, waiting)):
            msg = (
                f"{tried}: the transactions that hold all {self._size} connections wait for a further "
                f"one, which would never come; end the transaction first, or {self._way_out()}"
            )
            raise TransactionError(msg, outcome="not_applied", operation=tried)

    def release(self, connection: Connection) -> None:
        """Give a connection back; one that is not clean is made so, or closed, by and by."""
        if connection not in self._leased:
            return

        if not connection.is_clean:
            self.discard(connection)
            return

        connection.leave_transaction()

        while self._queue:
            waiter = self._queue.popleft()

            if not waiter.granted.done():
                self._leased[connection] = waiter.tried
                waiter.granted.set_result(connection)
                return

        del self._leased[connection]
        self._idle.append(connection)
        self._left()

    def discard(self, connection: Connection) -> None:
        """Return at once; what runs is cancelled and rolled back, or the connection is closed."""
        if connection.is_awaited or connection.at_work:
            # Not by whoever gave it up: a statement of another task runs there, or is between two
            # requests, of which the next would go to whoever got the connection meanwhile.
            connection.close("the transaction was given up, or the storage disconnected")
        elif connection in self._leased and connection.is_open:
            self._tasks.start(self._settle(connection), "end what a connection was left with")

    async def _settle(self, connection: Connection) -> None:
        expires = time.monotonic() + _SETTLE

        try:
            if not connection.touched:
                await connection.settle(expires)

                if connection.in_transaction:
                    await connection.simple("ROLLBACK", expires, "rollback")
        except InfrastructureError:
            pass
        finally:
            if connection.is_clean:
                self.release(connection)
            else:
                connection.close("it was left in the middle of a statement")

    def ended(self, wire: Wire) -> None:
        """Note that a connection is gone."""
        assert isinstance(wire, Connection)
        self._leased.pop(wire, None)

        with suppress(ValueError):
            self._idle.remove(wire)

        self._left()
        self._grow()

    def evict(self) -> None:
        """Give none of these connections again: the server is no longer the one to talk to."""
        for connection in (*self._idle, *self._leased):
            connection.retired = True

        for connection in tuple(self._idle):
            connection.close("the server takes no writes any more")

    def _grow(self) -> None:
        """Open as many connections as are waited for and allowed."""
        now = time.monotonic()
        wanted = sum(1 for waiter in self._queue if not waiter.granted.done())
        begun = fresh = sum(1 for since in self._dials.values() if now - since < _PATIENCE)
        # While the server does not answer one attempt at a time is enough, which all share.
        most = 1

        if self._leased or self._idle:
            # It does; where attempts are slow they are connections of its all the same.
            begun = len(self._dials)
            most = min(most if self._failing else self._size, self._room)
        elif not self._failing and fresh == len(self._dials):
            most = self._room

        if wanted and most > 0:
            # One that began before the server was back may never get an answer.
            self._once_more.watch(now + _PATIENCE)

        for _ in range(min(wanted, most) - begun):
            # Not a Tasks: its error goes to who waits.
            dial = self._tasks.start(self._open(), "connect")
            self._dials[dial] = now
            dial.add_done_callback(self._dialled)

    @property
    def _room(self) -> int:
        return self._size - len(self._leased) - len(self._idle)

    def _grow_again(self, _now: float) -> float:
        self._grow()
        return math.inf

    async def _open(self) -> Connection | InfrastructureError:
        try:
            return await self._dial(self.ended, time.monotonic() + _DIAL)
        except InfrastructureError as exc:
            return exc

    def _dialled(self, dial: asyncio.Task[Connection | InfrastructureError]) -> None:
        began = self._dials.pop(dial)

        if dial.cancelled():
            return

        result = dial.result()

        if isinstance(result, InfrastructureError):
            self._failing = True

            # Else somebody will give one back; it is tried again in a while.
            if not (self._leased and result.sqlstate == "53300"):
                # Who came later is tried for anew: the server may be back since.
                self._refuse(result, began)
                self._grow()
        else:
            self._failing = False
            self.add(result)
            self._grow()

    def add(self, connection: Connection) -> None:
        """Take a new connection in."""
        if self._closed is not None or len(self._leased) + len(self._idle) >= self._size:
            connection.close(self._closed or "there are enough connections")
            return

        self._leased[connection] = "connect"
        self.release(connection)

    def _refuse(self, error: InfrastructureError, until: float = math.inf) -> None:
        """Fail who waits since then or longer, unless somebody will give a connection back."""
        if self._leased and error.sqlstate == "53300":
            return

        queue, self._queue = self._queue, deque()

        for waiter in queue:
            if waiter.since > until:
                self._queue.append(waiter)
            elif not waiter.granted.done():
                # Each his own, to add to: where it was raised, which row it is of.
                own = copy(error)
                own.__cause__, own.operation = error.__cause__, waiter.tried
                waiter.granted.set_exception(own)

    def close(self, reason: str) -> None:
        """Close all at once and fail who waits."""
        self._closed = reason
        self._once_more.stop()
        self._tasks.stop()

        for dial in tuple(self._dials):
            dial.cancel()

        self._refuse(ConnectionError(reason, outcome="not_applied"))

        for connection in (*self._idle, *self._leased):
            connection.close(reason)

        self._idle.clear()
        self._leased.clear()

    async def drain(self) -> None:
        """Return when all that was leased is back."""
        while self._leased:
            if self._quiet is None:
                self._quiet = asyncio.get_running_loop().create_future()

            await asyncio.wait({self._quiet})

    def _left(self) -> None:
        """Wake who waits for the last one to come back."""
        if self._quiet is not None and not self._leased:
            self._quiet.set_result(None)
            self._quiet = None
