"""A thread that owns one SQLite connection and runs jobs on it; concurrent writes share a commit."""

from __future__ import annotations

import asyncio
import builtins
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any, Optional

from ...interfaces.exceptions import Outcome
from .functions import function_error

__all__ = ["GaveUp", "Job", "Work", "Worker"]

Work = Callable[[sqlite3.Connection], Any]

GROUP = 256
"""At most as many writes share one commit."""

TICKS = 1000
"""SQLite's virtual-machine steps between two looks at whether the job is still wanted."""

BUSY_WAIT = 0.05
"""Seconds that SQLite itself waits for another process's lock before we look around again."""


GRACE = 0.15
"""Seconds after a deadline in which a started job may still tell what became of it."""


class GaveUp(Exception):
    """The job's time was over before it had begun, or it was interrupted: nothing was applied."""


class Job:
    """Something to run on the connection, and the future of who waits for it."""

    __slots__ = ("_unclaimed", "abort", "expires", "future", "grouped", "interrupted", "work")

    def __init__(
        self, work: Work, future: asyncio.Future[Any], expires: float, *, grouped: bool = False
    ) -> None:
        self.work = work
        self.future = future
        self.expires = expires
        self.grouped = grouped
        self.abort = False
        self.interrupted: Exception | None = None
        # Whoever pops it first, the thread that starts the job or the loop that gives it up,
        # knows for sure that the other has not: list.pop is atomic.
        self._unclaimed = [True]

    def claim(self) -> bool:
        """Return whether the caller is the first to claim the job."""
        try:
            return self._unclaimed.pop()
        except IndexError:
            return False


class Worker:
    """One connection, one thread; ``submit`` never blocks."""

    def __init__(self, name: str, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Optional[Job]] = queue.SimpleQueue()
        self._current: Optional[Job] = None
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._pending: set[Job] = set()
        self.renew = False

    async def start(self) -> None:
        """Start the thread; return when its connection is open, or raise what it raised."""
        self._thread.start()

        try:
            await self._opened
        except BaseException:
            self.stop()
            raise

    def submit(self, work: Work, expires: float, *, grouped: bool = False) -> Job:
        """Queue ``work``; the result comes by ``job.future``."""
        future: asyncio.Future[Any] = self._loop.create_future()
        job = Job(work, future, expires, grouped=grouped)
        self._pending.add(job)
        self._jobs.put(job)
        return job

    async def result(self, job: Job) -> Any:
        """Return the job's result; ``builtins.TimeoutError`` where it did not tell in time."""
        timer = None

        if job.expires != math.inf:
            timer = self._loop.call_later(max(0.0, job.expires - time.monotonic()), _expire, job)

        try:
            return await job.future
        except asyncio.CancelledError:
            job.abort = True
            job.claim()
            raise
        finally:
            if timer is not None:
                timer.cancel()

    @property
    def load(self) -> int:
        """How many jobs wait or run."""
        return len(self._pending)

    def stop(self) -> asyncio.Future[None]:
        """Close the connection after what is queued; return what tells when."""
        self._jobs.put(None)
        return self._stopped

    def abort(self, error: Callable[[Outcome], Exception]) -> None:
        """Fail what waits and interrupt what runs; the thread then closes and ends by itself."""
        for job in self._pending:
            job.abort = True
            _fail(job.future, error("not_applied" if job.claim() else "unknown"))

        self._pending.clear()
        self._jobs.put(None)

    def _main(self) -> None:
        try:
            con = self._connect()
        except BaseException as exc:  # noqa: BLE001 - whoever waits for the start gets it
            self._tell(_fail, self._opened, exc)
            self._tell(_resolve, self._stopped, None)
            return

        self._tell(_resolve, self._opened, None)

        try:
            while batch := self._take():
                if self.renew:
                    # A transaction has changed the state of the session: a new one is clean.
                    self.renew = False
                    con.close()
                    con = self._connect()

                self._serve(con, batch)
        finally:
            con.close()
            self._tell(_resolve, self._stopped, None)

    def _take(self) -> list[Job]:
        """Wait for jobs; return those that are queued, none when the worker is to stop."""
        batch: list[Job] = []
        job = self._jobs.get()

        while job is not None:
            batch.append(job)

            if len(batch) == GROUP:
                return batch

            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch

        if batch:
            # What stands before the stop is still run.
            self._jobs.put(None)

        return batch

    def _serve(self, con: sqlite3.Connection, jobs: list[Job]) -> None:
        """Run ``jobs`` in order; neighbours that may share a commit do."""
        con.set_progress_handler(self._unwanted, TICKS)
        done: list[tuple[Job, Any, Optional[BaseException]]] = []
        start = 0

        for end in range(1, len(jobs) + 1):
            if end == len(jobs) or not (jobs[end].grouped and jobs[end - 1].grouped):
                done += self._run(con, jobs[start:end])
                start = end

        self._tell(self._deliver, done, jobs)

    def _unwanted(self) -> bool:
        job = self._current
        return job is not None and (job.abort or job.expires <= time.monotonic())

    def _run(
        self, con: sqlite3.Connection, jobs: list[Job]
    ) -> list[tuple[Job, Any, Optional[BaseException]]]:
        jobs = [job for job in jobs if job.claim()]

        if len(jobs) > 1 and (done := self._group(con, jobs)) is not None:
            return done

        return [self._one(con, job) for job in jobs]

    def _one(self, con: sqlite3.Connection, job: Job) -> tuple[Job, Any, Optional[BaseException]]:
        self._current = job

        try:
            if job.interrupted is not None:
                raise job.interrupted

            if self._unwanted():
                raise GaveUp

            return job, self._patiently(con, job), None
        except BaseException as exc:  # noqa: BLE001 - whoever waits for the job gets it
            if job.grouped and con.in_transaction:
                con.execute("ROLLBACK")

            return job, None, function_error(con, exc) or exc
        finally:
            self._current = None

    def _patiently(self, con: sqlite3.Connection, job: Job) -> Any:
        """Run the job, waiting for another process's lock as long as the job has time."""
        while True:
            try:
                if not job.grouped:
                    return job.work(con)

                con.execute("BEGIN IMMEDIATE")
                result = job.work(con)
                con.execute("COMMIT")
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or self._unwanted():
                    raise

                if job.grouped and con.in_transaction:
                    con.execute("ROLLBACK")
            else:
                return result

    def _group(
        self, con: sqlite3.Connection, jobs: list[Job]
    ) -> Optional[list[tuple[Job, Any, Optional[BaseException]]]]:
        """Run the jobs in one transaction; ``None`` where they must run one by one.

        SQLite undoes a single failed statement by itself. Where a failure took the whole
        transaction with it, or the COMMIT failed, nothing has happened yet.
        """
        done: list[tuple[Job, Any, Optional[BaseException]]] = []

        try:
            con.execute("BEGIN IMMEDIATE")

            for job in jobs:
                self._current = job

                try:
                    done.append((job, job.work(con), None))
                except Exception as exc:  # noqa: BLE001 - whoever waits for the job gets it
                    if not con.in_transaction:
                        # One that was interrupted is not tried again.
                        job.interrupted = exc if self._unwanted() else None
                        return None

                    done.append((job, None, function_error(con, exc) or exc))

            self._current = None
            con.execute("COMMIT")
        except sqlite3.Error:
            if con.in_transaction:
                con.execute("ROLLBACK")

            return None
        finally:
            self._current = None

        return done

    def _tell(self, callback: Callable[[Any, Any], None], first: Any, second: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, first, second)
        except RuntimeError:
            # The loop was closed without a disconnect: nobody waits any more.
            self._jobs.put(None)

    def _deliver(
        self, done: list[tuple[Job, Any, Optional[BaseException]]], taken: list[Job]
    ) -> None:
        self._pending.difference_update(taken)

        for job, result, error in done:
            if job.future.done():
                continue

            if error is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(error)


def _expire(job: Job) -> None:
    """End the wait for a job: at once where it has not begun, after a moment of grace else."""
    if job.claim():
        _fail(job.future, GaveUp())
        return

    job.abort = True
    job.future.get_loop().call_later(GRACE, _fail, job.future, builtins.TimeoutError())


def _resolve(future: asyncio.Future[None], value: None) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[None], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
