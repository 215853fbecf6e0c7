"""Reads outside a transaction: short ones on the event loop, the others on threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ._loop_reader import LoopReader
from ._outcome import outcome_of
from ._rows import Plan, fetch
from ._worker import BUSY_WAIT, Worker

__all__ = ["Readers"]

THREADS = 4
"""At most as many slow reads run at once, streams aside."""

Connect = Callable[..., sqlite3.Connection]
MakeWorker = Callable[[str, Callable[[], sqlite3.Connection]], Worker]


class Readers:
    """The connections that only read.

    ``here``  the one on the loop: every question about the schema goes there, and short reads.
    """

    def __init__(self, here: LoopReader, connect: Connect, make: MakeWorker) -> None:
        self._connect = connect
        self._make = make
        self._shared: list[Worker] = []
        self.here = here

    async def read(self, plan: Plan, values: Sequence[Any], expires: float, tried: str) -> Any:
        """Return the rows of a query, read on a thread."""
        worker = self._idle()
        job = worker.submit(partial(fetch, plan=plan, params=values), expires)
        return await outcome_of(job, tried)

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

    def close(self) -> None:
        """Close the connection on the loop; the threads are stopped by who counts them."""
        self.here.close()
