"""The one writer: autocommit statements pass in groups, a transaction has it to itself."""

from __future__ import annotations

import asyncio
import builtins
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Optional

from ...interfaces.exceptions import (
    InfrastructureError,
    TimeoutError,
    TransactionError,
)
from .._levels import Level
from ._worker import GaveUp, Job, Work, Worker
from .errors import sqlite_error

__all__ = ["Writer", "WriterSession", "outcome_of"]


class WriterSession:
    """The writer's connection while one transaction has it."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._job: Optional[Job] = None
        self._in_transaction = False
        self._released = False
        self.touched = False

    async def run(self, work: Work, expires: float, tried: str) -> Any:
        """Run ``work`` on the connection; its error comes as ours."""

        def noted(con: sqlite3.Connection) -> Any:
            try:
                return work(con)
            finally:
                self._in_transaction = con.in_transaction

        worker = self._writer.worker
        self._job = worker.submit(noted, expires)
        return await outcome_of(worker, self._job, tried)

    async def control(self, text: str, expires: float) -> None:
        """Run a transaction command; a ROLLBACK of what SQLite has ended already is done."""
        if text == "ROLLBACK" and not self._in_transaction:
            return

        await self.run(partial(_control, text=text), expires, text)

    def is_lost(self) -> bool:
        """Return whether SQLite has rolled the transaction back by itself."""
        return not self._in_transaction

    def release(self) -> None:
        """Give the writer to the next."""
        if not self._released:
            self._released = True
            self._writer.worker.renew |= self.touched
            self._writer.leave(self)

    def discard(self) -> None:
        """Let the thread roll back after what it runs, which is interrupted; give the writer on."""
        if not self._released:
            if self._job is not None:
                self._job.abort = True

            self._writer.worker.submit(_roll_back, math.inf)
            self.touched = True
            self.release()


def _control(con: sqlite3.Connection, text: str) -> None:
    con.execute(text)


def _roll_back(con: sqlite3.Connection) -> None:
    if con.in_transaction:
        con.execute("ROLLBACK")


Place = asyncio.Future[Optional[WriterSession]]


class Writer:
    """Who may use the writer's thread now: first come, first served."""

    def __init__(self, worker: Worker, holders: Callable[[], str]) -> None:
        self.worker = worker
        self._holders = holders
        self._holder: Optional[WriterSession] = None
        self._queue: deque[tuple[Place, bool]] = deque()

    async def lease(self, expires: float, held: Optional[Level]) -> WriterSession:
        """Return the writer's session for a transaction that has it to itself."""
        if self._holder is not None or self._queue:
            granted = await self._wait(expires, held, "begin_transaction", exclusive=True)
            assert granted is not None
            return granted

        self._holder = WriterSession(self)
        return self._holder

    async def execute(
        self, work: Work, expires: float, held: Optional[Level], tried: str, *, grouped: bool = True
    ) -> Any:
        """Run one statement that commits by itself."""
        if self._holder is not None or self._queue:
            await self._wait(expires, held, tried, exclusive=False)

        return await outcome_of(
            self.worker, self.worker.submit(work, expires, grouped=grouped), tried
        )

    async def _wait(
        self, expires: float, held: Optional[Level], tried: str, *, exclusive: bool
    ) -> Optional[WriterSession]:
        """Wait for one's turn; return the session where it was asked for."""
        self._refuse_own(held, tried)
        place: Place = asyncio.get_running_loop().create_future()
        self._queue.append((place, exclusive))
        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())

        try:
            done, _ = await asyncio.wait({place}, timeout=remaining)
        except asyncio.CancelledError:
            self._withdraw(place)
            raise

        if not done:
            self._withdraw(place)
            msg = (
                f"{tried}: SQLite has one writer, and it was not free before the deadline; "
                f"it is held by {self._holders() or 'somebody who let go just now'}"
            )
            raise TimeoutError(msg, retryable=True, outcome="not_applied")

        # The error of a writer that was closed meanwhile.
        return place.result()

    def _refuse_own(self, held: Optional[Level], tried: str) -> None:
        while held is not None:
            if held.root.session is self._holder:
                msg = (
                    f"{tried}: this task holds SQLite's one writer by its open transaction and "
                    "would wait for itself; do it inside the transaction, or after it"
                )
                raise TransactionError(msg, outcome="not_applied")

            held = held.root.outer

    def _withdraw(self, place: Place) -> None:
        if not place.done():
            place.cancel()
        elif not place.cancelled() and place.exception() is None and (granted := place.result()):
            # It was granted in the same moment: pass it on.
            self.leave(granted)

    def leave(self, session: WriterSession) -> None:
        """End a lease: the statements that wait go on, up to the next transaction."""
        if self._holder is session:
            self._holder = None
            self._grant()

    def _grant(self) -> None:
        while self._queue:
            place, exclusive = self._queue.popleft()

            if place.done():
                continue

            if exclusive:
                self._holder = WriterSession(self)
                place.set_result(self._holder)
                return

            place.set_result(None)

    def fail(self, error: Callable[[], InfrastructureError]) -> None:
        """Fail all who wait: the storage disconnects."""
        while self._queue:
            place, _ = self._queue.popleft()

            if not place.done():
                place.set_exception(error())


async def outcome_of(worker: Worker, job: Job, tried: str) -> Any:
    """Return the result of ``job``; its error, and its time-out, come as ours."""
    try:
        return await worker.result(job)
    except GaveUp as exc:
        msg = f"{tried}: the deadline passed while the statement waited for SQLite's thread"
        raise TimeoutError(msg, retryable=True, outcome="not_applied") from exc
    except builtins.TimeoutError as exc:
        if isinstance(exc, InfrastructureError):
            raise

        msg = f"{tried}: the deadline passed and SQLite did not stop in time"
        raise TimeoutError(msg, outcome="unknown", sqlstate="57014") from exc
    except sqlite3.Error as exc:
        raise sqlite_error(exc, tried) from exc
