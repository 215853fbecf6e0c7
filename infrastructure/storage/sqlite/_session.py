"""The writer's connection while one transaction has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Optional

from ...interfaces.exceptions import TransactionError
from ._jobs import Job, Work
from ._outcome import outcome_of
from ._worker import Worker

__all__ = ["WriterSession"]


class WriterSession:
    """A lease of the writer's thread; ``leave`` gives it to the next."""

    def __init__(self, worker: Worker, leave: Callable[[WriterSession], None]) -> None:
        self._worker = worker
        self._leave = leave
        self._job: Optional[Job] = None
        self._in_transaction = False
        self._released = False
        self.touched = False

    async def run(self, work: Work, expires: float, tried: str, *, steady: bool = False) -> Any:
        """Run ``work`` on the connection; its error comes as ours."""

        def noted(con: sqlite3.Connection) -> Any:
            try:
                return work(con)
            finally:
                self._in_transaction = con.in_transaction

        if self._released:
            msg = f"{tried}: the transaction has ended, and its connection is another's"
            raise TransactionError(msg, outcome="not_applied")

        self._job = self._worker.submit(noted, expires, steady=steady)
        return await outcome_of(self._job, tried)

    async def control(self, text: str, expires: float) -> None:
        """Run a transaction command; a ROLLBACK of what SQLite has ended already is done."""
        # Its time counts until it begins; then it is not stopped half-way.
        await self.run(partial(self._control, text=text), expires, text, steady=True)

    async def undo(self, savepoint: str, expires: float) -> None:
        """Roll back to a savepoint and release it, in one go: nothing comes between the two."""
        text = f"ROLLBACK TO SAVEPOINT {savepoint}"
        await self.run(partial(self._undo, savepoint=savepoint), expires, text, steady=True)

    def _undo(self, con: sqlite3.Connection, savepoint: str) -> None:
        if con.in_transaction:
            con.execute(f"ROLLBACK TO SAVEPOINT {savepoint}")
            con.execute(f"RELEASE SAVEPOINT {savepoint}")

    def _control(self, con: sqlite3.Connection, text: str) -> None:
        if text in ("COMMIT", "ROLLBACK"):
            self._worker.close_cursors()

        # Only here, on the thread, is it known: what ran before may have taken the transaction.
        if con.in_transaction or text.startswith("BEGIN"):
            con.execute(text)
        elif not text.startswith("ROLLBACK"):
            msg = f"{text}: SQLite has rolled the transaction back by itself"
            raise TransactionError(msg, sqlstate="25P02", outcome="not_applied")

    def keep(self, cursor: sqlite3.Cursor) -> None:
        """Note a cursor, on the thread; it is closed with the transaction at the latest."""
        self._worker.keep(cursor)

    def close(self, cursor: sqlite3.Cursor) -> None:
        """Let the thread close a cursor when it comes to it; nobody waits."""
        if not self._released:
            self._worker.post(lambda _con: self._worker.close_cursor(cursor))

    def is_lost(self) -> bool:
        """Return whether SQLite has rolled the transaction back by itself."""
        return not self._in_transaction

    def release(self) -> None:
        """Give the writer to the next."""
        if not self._released:
            self._worker.renew |= self.touched
            self._hand_on()

    def _hand_on(self) -> None:
        self._released = True
        self._leave(self)

    def discard(self) -> None:
        """Let the thread roll back after what it runs, which is interrupted; give the writer on."""
        if not self._released:
            if self._job is not None:
                self._job.abort = True

            self._worker.post(self._roll_back)
            self._hand_on()

    def _roll_back(self, con: sqlite3.Connection) -> None:
        self._worker.close_cursors()

        if con.in_transaction:
            con.execute("ROLLBACK")

        # Only now: a connection closed with cursors open would live on, and keep its locks.
        self._worker.renew |= self.touched
