"""Something to run on SQLite's thread, and who waits for it."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
import time
from collections.abc import Callable
from typing import Any

__all__ = ["GaveUp", "Job", "StalePlan", "Work", "expire", "fail", "resolve"]

Work = Callable[[sqlite3.Connection], Any]

_GRACE = 0.15
"""Seconds after a deadline in which a started job may still tell what became of it."""


class GaveUp(Exception):
    """The job's time was over before it had begun: nothing was applied."""


class StalePlan(Exception):
    """The schema is not the one that the parameters were made for: nothing was applied."""


class Job:
    """Work on the connection, and the future of who waits for it.

    ``grouped``      it may share a transaction and its commit with its neighbours.
    ``version``      of the schema, which must still be that; ``None``: any.
    ``steady``       it is not interrupted: a COMMIT that is has happened or not, nobody knows.
    ``interrupted``  what stopped it in a shared transaction: the end of it, not of the others.
    """

    __slots__ = (
        "_unclaimed",
        "abort",
        "expires",
        "future",
        "grouped",
        "interrupted",
        "steady",
        "version",
        "work",
    )

    def __init__(
        self,
        work: Work,
        future: asyncio.Future[Any],
        expires: float,
        *,
        grouped: bool = False,
        steady: bool = False,
        version: int | None = None,
    ) -> None:
        self.version = version
        self.work = work
        self.future = future
        self.expires = expires
        self.grouped = grouped
        self.steady = steady
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

    def hand_back(self) -> None:
        """Undo the claim of a job that has not begun after all: its deadline may end it again."""
        self._unclaimed.append(True)

    def give_up(self) -> None:
        """Begin it no more, or interrupt it; nobody waits for its result or its error."""
        self.abort = True
        self.claim()
        self.future.cancel()

    def is_unwanted(self) -> bool:
        """Return whether nobody waits for it any more."""
        return self.abort or self.expires <= time.monotonic()


def expire(job: Job) -> None:
    """End the wait for a job: at once where it has not begun, after a moment of grace else."""
    if job.claim():
        fail(job.future, GaveUp())
        return

    job.abort = True
    job.future.get_loop().call_later(_GRACE, fail, job.future, builtins.TimeoutError())


def resolve(future: asyncio.Future[Any], value: Any) -> None:
    """Give a future its result, unless it has ended."""
    if not future.done():
        future.set_result(value)


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
    """Give a future its error, unless it has ended."""
    if not future.done():
        future.set_exception(error)
