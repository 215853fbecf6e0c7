"""The connections of a blocking driver, each on a thread of its own: sessions for a storage."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from .._core.deadline import Limit
from .._core.errors import ErrorMap, translated
from ..interfaces.exceptions import ConnectionError, TransactionError

__all__ = ["BlockingConnection", "ThreadSession", "ThreadSessions"]

_AGAIN = 0.05
"""Seconds after which a statement that still runs is interrupted once more."""


class BlockingConnection(Protocol):
    """What is asked of a driver's connection; ``sqlite3`` and ``duckdb`` have just that."""

    def execute(self, text: str, /) -> object:
        """Run a command."""
        ...

    def interrupt(self) -> object:
        """End what runs on the connection; called from another thread."""
        ...

    def close(self) -> object:
        """Close it; what is not committed is rolled back."""
        ...


C = TypeVar("C", bound=BlockingConnection)
T = TypeVar("T")


class ThreadSessions(Generic[C]):
    """Opens connections by ``connect()``, called on their threads, and uses idle ones again.

    ``errors``      turns the driver's errors into ours.
    ``savepoints``  whether the database has them; else a second begin is refused.
    """

    def __init__(
        self, connect: Callable[[], C], errors: ErrorMap, *, savepoints: bool = True
    ) -> None:
        self.connect = connect
        self.errors = errors
        self.savepoints = savepoints
        self.idle: list[ThreadSession[C]] = []
        self._all: weakref.WeakSet[ThreadSession[C]] = weakref.WeakSet()

    async def lease(self, expires: float) -> ThreadSession[C]:
        """Return a session that nobody else has."""
        if self.idle:
            return self.idle.pop()

        session = ThreadSession(self)
        self._all.add(session)

        try:
            await session.open(expires)
        except BaseException:
            session.discard()
            raise

        return session

    def abort(self) -> None:
        """Interrupt all statements and close the connections after them; do not wait for it."""
        for session in tuple(self._all):
            session.discard()

        self.idle.clear()

    async def close(self) -> None:
        """Do the same and wait until all are closed."""
        sessions = tuple(self._all)
        self.abort()
        await asyncio.gather(*(session.closed() for session in sessions))


class ThreadSession(Generic[C]):
    """One connection; a transaction, or a statement outside one, has it to itself."""

    def __init__(self, sessions: ThreadSessions[C]) -> None:
        self._sessions = sessions
        # Not a shared pool: what follows a cancelled statement waits until that has ended.
        self._thread = ThreadPoolExecutor(1, "infrastructure-storage")
        self._con: C | None = None
        self._job: Future[Any] | None = None
        self._closing: Future[None] | None = None
        self.touched = False
        """Whether a statement has left something behind that the next user must not see."""

    async def open(self, expires: float) -> None:
        """Connect."""
        await self._on_thread(self._connect, expires, "connect")

    def _connect(self) -> None:
        self._con = self._sessions.connect()

    async def run(self, work: Callable[[C], T], expires: float, tried: str) -> T:
        """Return ``work(connection)``, run on the thread; its error comes as ours.

        Where the deadline passes or the caller is cancelled, the statement is interrupted.
        """
        return await self._on_thread(lambda: work(self._connection()), expires, tried)

    def _connection(self) -> C:
        assert self._con is not None, "open() comes first"
        return self._con

    async def _on_thread(self, work: Callable[[], T], expires: float, tried: str) -> T:
        if self._closing is not None:
            msg = f"{tried}: the connection was closed by disconnect()"
            raise ConnectionError(msg, outcome="not_applied")

        async with Limit(tried, expires=expires) as limit:
            job = self._job = self._thread.submit(work)
            limit.outcome = "unknown"

            try:
                with translated(self._sessions.errors, tried):
                    return await asyncio.wrap_future(job)
            except asyncio.CancelledError:
                self._stop(job)
                raise

    def _stop(self, job: Future[Any]) -> None:
        # Again and again: an interrupt that comes before the statement has begun is lost.
        if not job.done():
            self._interrupt()
            asyncio.get_running_loop().call_later(_AGAIN, self._stop, job)

    def _interrupt(self) -> None:
        # A driver refuses on a connection that was closed meanwhile.
        if self._con is not None:
            with suppress(Exception):
                self._con.interrupt()

    async def control(self, text: str, expires: float) -> None:
        """Run BEGIN, COMMIT, ROLLBACK or a savepoint command."""
        if "SAVEPOINT" in text and not self._sessions.savepoints:
            msg = "begin_transaction: this database has no savepoints, and a transaction is open"
            raise TransactionError(msg, outcome="not_applied", operation="begin_transaction")

        await self.run(lambda con: con.execute(text), expires, text)

    async def undo(self, savepoint: str, expires: float) -> None:
        """Roll back to a savepoint and release it, in one go."""
        await self.run(partial(_undo, savepoint=savepoint), expires, f"roll back to {savepoint}")

    def is_lost(self) -> bool:
        """Return whether the database has ended the transaction by itself."""
        return False

    def release(self) -> None:
        """Give the connection back; one that was touched is closed."""
        if self.touched:
            self.discard()
        elif self._closing is None:
            self._sessions.idle.append(self)

    def discard(self) -> None:
        """Interrupt what runs, and close the connection after it."""
        if self._closing is None:
            if self._job is not None:
                self._stop(self._job)

            self._closing = self._thread.submit(self._close)
            self._thread.shutdown(wait=False)

    async def closed(self) -> None:
        """Return when the connection was closed."""
        assert self._closing is not None, "discard() comes first"
        await asyncio.wrap_future(self._closing)

    def _close(self) -> None:
        if self._con is None:
            return

        # First: a cursor that somebody still refers to keeps a closed SQLite connection, and its
        # locks, alive. Outside a transaction a driver refuses it.
        with suppress(Exception):
            self._con.execute("ROLLBACK")

        with suppress(Exception):
            self._con.close()


def _undo(con: BlockingConnection, savepoint: str) -> None:
    con.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")
    con.execute(f"RELEASE SAVEPOINT {savepoint}")
