"""Runs jobs on a SQLite connection: one by one, or several in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from time import sleep
from typing import Any, Optional

from ._jobs import GaveUp, Job, StalePlan
from .functions import function_error

__all__ = ["AGAIN", "Result", "is_busy", "run_group", "run_one"]

AGAIN = 0.005
"""Seconds until a file that was locked is tried again: SQLite itself does not always wait."""

Result = tuple[Job, Any, Optional[BaseException]]
Enter = Callable[[Optional[Job]], None]
"""Notes which job runs now; none, while nothing may be interrupted."""


def run_one(con: sqlite3.Connection, job: Job, enter: Enter) -> Result:
    """Run a job; its result or its error, whatever it is, is for who waits for it."""
    try:
        if job.is_unwanted() and not job.steady:
            raise GaveUp

        return job, _patiently(con, job, enter), None
    except BaseException as exc:  # noqa: BLE001 - see above
        return job, None, function_error(con, exc) or exc
    finally:
        enter(None)


def _patiently(con: sqlite3.Connection, job: Job, enter: Enter) -> Any:
    """Run the job, waiting for another process's lock as long as the job has time."""
    while True:
        enter(job)

        try:
            return _alone(con, job, enter) if job.grouped else job.work(con)
        except sqlite3.OperationalError as exc:
            if not is_busy(exc) or job.is_unwanted():
                raise

        sleep(AGAIN)


def _alone(con: sqlite3.Connection, job: Job, enter: Enter) -> Any:
    con.execute("BEGIN IMMEDIATE")

    try:
        if job.version is not None and job.version != _version(con):
            raise StalePlan

        result = job.work(con)
        _commit(con, enter)
    finally:
        _undo(con, enter)

    return result


def run_group(con: sqlite3.Connection, jobs: list[Job], enter: Enter) -> Optional[list[Result]]:
    """Run the jobs in one transaction; ``None`` where they must run one by one.

    SQLite undoes a single failed statement by itself. Where it did not (OR FAIL, rows that
    cannot be read), where a failure took the whole transaction with it, or the COMMIT failed,
    all are undone.
    """
    done: list[Result] = []

    try:
        con.execute("BEGIN IMMEDIATE")
    except sqlite3.Error:
        return None

    try:
        version = _version(con)

        for job in jobs:
            if (reason := _reason_against(job, version)) is not None:
                done.append((job, None, reason))
                continue

            enter(job)
            before = con.total_changes

            try:
                done.append((job, job.work(con), None))
            except Exception as exc:  # noqa: BLE001 - whoever waits for the job gets it
                if _is_interrupt(exc):
                    # It may stop a statement whose changes are all made: they must not stay.
                    job.interrupted = exc
                    return None

                if not con.in_transaction or con.total_changes != before:
                    return None

                done.append((job, None, function_error(con, exc) or exc))

        _commit(con, enter)
    except sqlite3.Error:
        return None
    finally:
        _undo(con, enter)

    return done


def _reason_against(job: Job, version: int) -> Optional[Exception]:
    if job.is_unwanted():
        return GaveUp()

    return None if job.version is None or job.version == version else StalePlan()


def _version(con: sqlite3.Connection) -> int:
    # Inside the transaction: from here to its end nobody can change the schema but its own jobs,
    # and what changes it is never grouped.
    version: int = con.execute("PRAGMA schema_version").fetchone()[0]
    return version


def _commit(con: sqlite3.Connection, enter: Enter) -> None:
    # A progress handler can stop a COMMIT that is done already, which then looks undone.
    enter(None)
    con.execute("COMMIT")


def _undo(con: sqlite3.Connection, enter: Enter) -> None:
    # Nor may the ROLLBACK be stopped.
    enter(None)

    if con.in_transaction:
        con.execute("ROLLBACK")


def is_busy(exc: sqlite3.Error) -> bool:
    """Return whether another process's lock is in the way, and waiting for it may help."""
    code = getattr(exc, "sqlite_errorcode", None)
    # Not SQLITE_BUSY_SNAPSHOT: the read transaction is too old and stays so.
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)


def _is_interrupt(exc: Exception) -> bool:
    return getattr(exc, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
