"""Reads outside a transaction: short ones on the event loop, the others on threads."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional

from ._outcome import outcome_of
from ._rows import Plan, fetch
from ._worker import BUSY_WAIT, TICKS, Worker
from .errors import sqlite_error
from .functions import function_error

__all__ = ["Readers"]

THREADS = 4
"""At most as many slow reads run at once, streams aside."""

LONGEST_VALUE = 64 * 1024
"""Bytes of a value that is still read on the loop."""

LONG = 0.002
"""Seconds on the loop that count as slow, whatever the steps say (a cold page)."""

SLOW = 2
"""A statement that was slow as often is read on a thread from then on."""

# To the thread with it: the budget, another's lock, a value beyond LONGEST_VALUE.
_ELSEWHERE = {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_TOOBIG}

Connect = Callable[..., sqlite3.Connection]
MakeWorker = Callable[[str, Callable[[], sqlite3.Connection]], Worker]


class Readers:
    """The connections that only read."""

    def __init__(self, connect: Connect, make: MakeWorker, *, inline: bool) -> None:
        self._connect = connect
        self._make = make
        self._shared: list[Worker] = []
        self._con: Optional[sqlite3.Connection] = connect(writer=False, busy_wait=0)
        self._ticks = 0
        self._inline = inline
        self._con.set_progress_handler(self._over_budget, TICKS)
        self._con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)

    def _over_budget(self) -> bool:
        # SQLite counts the steps of a statement over all its runs: the first call may come early.
        self._ticks += 1
        return self._ticks > 1

    async def read(self, plan: Plan, params: Sequence[Any], expires: float, tried: str) -> Any:
        """Return the rows of a query."""
        if self._inline and plan.slow < SLOW and not plan.threaded:
            rows = self._read_here(plan, params, tried)

            if rows is not None:
                return rows

        worker = self._idle()
        job = worker.submit(partial(fetch, plan=plan, params=params), expires)
        return await outcome_of(worker, job, tried)

    def _read_here(
        self, plan: Plan, params: Sequence[Any], tried: str
    ) -> Optional[list[dict[str, Any]]]:
        """Return the rows, or ``None`` where the query belongs on a thread."""
        con = self._con
        assert con is not None
        self._ticks = 0
        began = time.perf_counter()

        try:
            rows = fetch(con, plan, params)
        except sqlite3.Error as exc:
            if getattr(exc, "sqlite_errorcode", 0) & 0xFF in _ELSEWHERE or isinstance(
                exc, sqlite3.DataError
            ):
                plan.slow += 1
                return None

            raise function_error(con, exc) or sqlite_error(exc, tried) from exc

        if time.perf_counter() - began > LONG:
            plan.slow += 1

        return rows

    def _idle(self) -> Worker:
        """Return the thread with the least to do; a new one while all are busy."""
        least = min(self._shared, key=lambda worker: worker.load, default=None)

        if least is not None and (not least.load or len(self._shared) >= THREADS):
            return least

        self._shared.append(self.open())
        return self._shared[-1]

    def open(self) -> Worker:
        """Return a new thread with a reading connection; whoever asked for it stops it."""
        return self._make(
            "infrastructure-sqlite-reader",
            partial(self._connect, writer=False, busy_wait=BUSY_WAIT),
        )

    def look(self, sql: str, params: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a short question about the schema."""
        assert self._con is not None
        self._ticks = -1000
        return self._con.execute(sql, params).fetchall()

    def close(self) -> None:
        """Close the connection on the loop; the threads are stopped by who counts them."""
        if self._con is not None:
            self._con.close()
            self._con = None
