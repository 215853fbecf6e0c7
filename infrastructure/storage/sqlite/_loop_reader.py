"""Short reads on the event loop itself, within a budget; the connection that they use."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from time import perf_counter
from typing import Any, Optional, TypeVar

from ._rows import Plan, make_rows
from ._runs import AGAIN, is_busy
from ._worker import TICKS
from .errors import sqlite_error
from .functions import function_error

__all__ = ["LoopReader"]

LONGEST_VALUE = 64 * 1024
"""Bytes of a value that is still read on the loop."""

T = TypeVar("T")

_UNLIMITED = 2**31 - 1

LONG = 0.002
"""Seconds on the loop that count as slow, whatever the steps say (a cold page)."""

# To a thread with it: the budget, another's lock, a value beyond LONGEST_VALUE.
_ELSEWHERE = {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_TOOBIG}


class LoopReader:
    """One connection that only reads, and never for long.

    ``held``  seconds that its reads took, since somebody who let the loop turn set it to 0.
    """

    def __init__(self, connect: Callable[..., sqlite3.Connection]) -> None:
        self._con = connect(writer=False, busy_wait=0)
        # One cursor: a read is over when it returns.
        self._cursor = self._con.cursor()
        self._ticks = 0
        self.held = 0.0
        self._compilations = 0
        self._con.set_progress_handler(self._over_budget, TICKS)
        self._con.set_authorizer(self._note_compilation)
        self._con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)

    @classmethod
    async def opened(cls, connect: Callable[..., sqlite3.Connection]) -> LoopReader:
        """Return a new one as soon as nobody locks the file; the caller limits the wait."""
        return await _when_free(partial(cls, connect))

    def _over_budget(self) -> bool:
        # SQLite counts the steps of a statement over all its runs: the first call may come early.
        self._ticks += 1
        return self._ticks > 1

    def _note_compilation(self, *_: object) -> int:
        # Asked whenever SQLite compiles: a statement that is new, or whose schema has changed.
        # Then what is known of any may be out of date: two plans can share one text of SQLite's,
        # and a run that fails tells nothing of its columns.
        self._compilations += 1
        return sqlite3.SQLITE_OK

    def read(self, plan: Plan, values: Sequence[Any]) -> Optional[list[dict[str, Any]]]:
        """Return the rows of a query, or ``None`` where it belongs on a thread."""
        self._ticks = 0
        began = perf_counter()

        try:
            rows = self._cursor.execute(plan.sql, values).fetchall()
        except Exception as exc:
            self._let_go()

            if _is_for_a_thread(exc):
                plan.was_slow()
                self._load_schema()
                return None

            if isinstance(exc, sqlite3.Error):
                raise function_error(self._con, exc) or sqlite_error(exc, plan.tried) from exc

            raise

        took = perf_counter() - began
        self.held += took

        if took > LONG:
            plan.was_slow()
        elif plan.strikes:
            plan.was_fast()

        if plan.here is None or plan.here[0] != self._compilations:
            plan.here = self._compilations, plan.output(self._cursor.description)

        names, converts = output = plan.here[1]

        if converts:
            return make_rows(output, rows)

        # As make_rows, written out.
        return [dict(zip(names, row)) for row in rows]  # noqa: B905 - SQLite gives as many as it names

    def look(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a short question about the schema."""
        self._ticks = -1000
        # The text of a wide table is longer than any value may be here, and without it SQLite
        # compiles nothing.
        self._con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _UNLIMITED)

        try:
            return self._con.execute(sql, params).fetchall()
        finally:
            self._con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)

    async def is_reached(self) -> bool:
        """Return whether it can read, as soon as nobody locks the file; the caller limits the wait."""
        return bool(await _when_free(partial(self.look, "PRAGMA schema_version")))

    def _load_schema(self) -> None:
        """Read a schema that has changed, in case that was what a read was too short for."""
        with suppress(sqlite3.Error):
            self.look("SELECT 1 FROM sqlite_schema LIMIT 1")

    def _let_go(self) -> None:
        """End a read that failed: a row that was not taken (no UTF-8, say) holds its snapshot."""
        self._cursor.close()
        self._cursor = self._con.cursor()

    def close(self) -> None:
        """Close the connection, and first what would keep it open."""
        self._cursor.close()
        self._con.close()


async def _when_free(ask: Callable[[], T]) -> T:
    # On the loop SQLite itself does not wait: another of the process that closes, or opens, locks
    # the file for a moment.
    while True:
        try:
            return ask()
        except sqlite3.OperationalError as exc:
            if not is_busy(exc):
                raise

        await asyncio.sleep(AGAIN)


def _is_for_a_thread(exc: Exception) -> bool:
    return getattr(exc, "sqlite_errorcode", 0) & 0xFF in _ELSEWHERE or isinstance(
        exc, sqlite3.DataError
    )
