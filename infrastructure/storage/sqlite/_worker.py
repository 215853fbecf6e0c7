"""A thread that owns one SQLite connection and runs jobs on it; concurrent writes share a commit."""

from __future__ import annotations

import asyncio
import math
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from time import sleep
from typing import Any, Optional

from ...interfaces.exceptions import Outcome
from ._jobs import Job, Work, fail, resolve
from ._pending import Pending
from ._runs import AGAIN, Result, is_busy, run_group, run_one

__all__ = ["BUSY_WAIT", "TICKS", "Worker"]

_GROUP = 256
"""At most as many writes share one commit."""

TICKS = 1000
"""SQLite's virtual-machine steps between two looks at whether the job is still wanted."""

BUSY_WAIT = 0.05
"""Seconds that SQLite itself waits for another process's lock before we look around again."""

Closed = Callable[[Outcome], Exception]


class Worker:
    """One connection, one thread; ``submit`` never blocks.

    ``connect`` makes the connection, on the thread; ``closed`` the error of a job that comes too
    late; ``farewell`` is called on the thread when the connection was closed.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], sqlite3.Connection],
        closed: Closed,
        farewell: Callable[[], object],
    ) -> None:
        self._connect = connect
        self._closed = closed
        self._farewell = farewell
        self._loop = asyncio.get_running_loop()
        # Batches of jobs; None asks the thread to stop.
        self._jobs: queue.SimpleQueue[Optional[list[Job]]] = queue.SimpleQueue()
        self._outbox: list[Job] = []
        self._pending = Pending(self._loop)
        self._current: Optional[Job] = None
        self._stopping = False
        self._con: Optional[sqlite3.Connection] = None
        self._cursors: set[sqlite3.Cursor] = set()
        self.renew = False
        self.stopped: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        """How many jobs wait or run."""
        return len(self._pending)

    async def opened(self) -> None:
        """Return when the connection is open, or raise what opening it raised."""
        job = self.submit(lambda _con: None, math.inf)

        try:
            await job.future
        except asyncio.CancelledError:
            job.give_up()
            raise

    def submit(
        self,
        work: Work,
        expires: float,
        *,
        grouped: bool = False,
        steady: bool = False,
        version: Optional[int] = None,
    ) -> Job:
        """Queue ``work``; its future tells the result, ``builtins.TimeoutError`` at the latest."""
        future: asyncio.Future[Any] = self._loop.create_future()
        job = Job(work, future, expires, grouped=grouped, steady=steady, version=version)

        if self._stopping:
            job.claim()
            future.set_exception(self._closed("not_applied"))
            return job

        self._pending.add(job)

        if not self._outbox:
            # Once for all that is submitted in this turn: a thread that is woken at each job
            # fights with the loop for the interpreter, and its groups are small.
            self._loop.call_soon(self._send, context=Context())

        self._outbox.append(job)
        return job

    def _send(self) -> None:
        if self._outbox:
            jobs, self._outbox = self._outbox, []
            self._jobs.put(jobs)

    def post(self, work: Work) -> None:
        """Queue ``work`` that nobody waits for, and that is not interrupted."""
        self.submit(work, math.inf, steady=True).future.add_done_callback(_heard)

    def stop(self) -> asyncio.Future[None]:
        """Close the connection after what is queued; return what tells when."""
        self._stopping = True
        self._send()
        self._jobs.put(None)
        return self.stopped

    def abort(self) -> None:
        """Fail what waits and interrupt what runs; the thread then closes and ends by itself."""
        self._fail_pending()
        self.stop()

    def _fail_pending(self) -> None:
        for job in self._pending.clear():
            job.abort = True
            fail(job.future, self._closed("not_applied" if job.claim() else "unknown"))

    def _main(self) -> None:
        try:
            while batch := self._take():
                self._serve(batch)
        finally:
            self._drop()
            self._farewell()
            self._tell(self._ended)

    def _take(self) -> list[Job]:
        """Wait for jobs; return those that are queued, none when the worker is to stop."""
        taken: list[Job] = []
        batch = self._jobs.get()

        while batch is not None:
            taken += batch

            try:
                batch = self._jobs.get_nowait()
            except queue.Empty:
                return taken

        if taken:
            # What stands before the stop is still run.
            self._jobs.put(None)

        return taken

    def _serve(self, jobs: list[Job]) -> None:
        """Run ``jobs`` in order; neighbours that may share a commit do."""
        start = 0

        for end in range(1, len(jobs) + 1):
            if (
                end == len(jobs)
                or not (jobs[end].grouped and jobs[end - 1].grouped)
                or end - start == _GROUP
            ):
                self._run(jobs[start:end])
                start = end

    def _run(self, taken: list[Job]) -> None:
        """Run neighbours and tell each answer as soon as it is there."""
        jobs = [job for job in taken if job.claim()]

        try:
            con = self._ready(jobs)
            done = run_group(con, jobs, self._enter) if len(jobs) > 1 else None

            if done is not None:
                self._tell(self._deliver, done, taken)
                return

            self._run_apart(con, jobs)
        except Exception as exc:  # noqa: BLE001 - whoever waits for a job gets it
            # The connection cannot be opened, or is in a state that nobody knows.
            self._drop()
            self._tell(self._deliver, [(job, None, exc) for job in jobs], taken)
        else:
            self._tell(self._deliver, [], taken)

    def _run_apart(self, con: sqlite3.Connection, jobs: list[Job]) -> None:
        # Each may have to wait for those before it, longer than its own deadline.
        for job in jobs:
            if job.interrupted is None:
                job.hand_back()
            else:
                self._tell(self._deliver, [(job, None, job.interrupted)], [job])

        for job in jobs:
            if job.claim():
                self._tell(self._deliver, [run_one(con, job, self._enter)], [job])

    def _ready(self, jobs: list[Job]) -> sqlite3.Connection:
        """Return the open connection, waiting for another process's lock as long as a job may."""
        while True:
            try:
                return self._open()
            except sqlite3.OperationalError as exc:
                if not is_busy(exc) or all(job.is_unwanted() for job in jobs):
                    raise

            sleep(AGAIN)

    def keep(self, cursor: sqlite3.Cursor) -> None:
        """Note a cursor, on the thread: one left open would hold its connection's snapshot."""
        self._cursors.add(cursor)

    def close_cursor(self, cursor: sqlite3.Cursor) -> None:
        """Close a cursor that was kept, on the thread."""
        self._cursors.discard(cursor)
        cursor.close()

    def close_cursors(self) -> None:
        """Close all cursors that were kept, on the thread."""
        while self._cursors:
            self._cursors.pop().close()

    def _drop(self) -> None:
        con, self._con = self._con, None

        if con is not None:
            with suppress(sqlite3.Error):
                # First: a connection closed with cursors open lives on as long as they do, a
                # traceback that somebody keeps holds them, and they its files and its locks.
                self.close_cursors()
                con.close()

    def _open(self) -> sqlite3.Connection:
        """Return the connection; a new one where a transaction has changed the session's state."""
        # Before anything else: on the loop somebody may just ask for it anew.
        renew, self.renew = self.renew, False

        if renew:
            self._drop()

        if self._con is None:
            self._con = self._connect()
            self._con.set_progress_handler(self._is_unwanted, TICKS)

        return self._con

    def _enter(self, job: Optional[Job]) -> None:
        """Note which job runs: the one that may be interrupted."""
        self._current = None if job is None or job.steady else job

    def _is_unwanted(self) -> bool:
        job = self._current
        return job is not None and job.is_unwanted()

    def _tell(self, callback: Callable[..., None], *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            # The loop was closed without a disconnect: nobody waits any more.
            self._jobs.put(None)

    def _ended(self) -> None:
        # No timer outlives the thread, and nobody waits for it any more.
        self._fail_pending()
        resolve(self.stopped, None)

    def _deliver(self, done: list[Result], taken: list[Job]) -> None:
        self._pending.remove(taken)

        for job, result, error in done:
            if error is None:
                resolve(job.future, result)
            else:
                fail(job.future, error)


def _heard(future: asyncio.Future[Any]) -> None:
    """Take the error of work that nobody waits for: the connection is closing."""
    if not future.cancelled():
        future.exception()
