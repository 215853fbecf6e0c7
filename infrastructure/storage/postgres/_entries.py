"""What is on its way on a shared connection: a statement, or one statement for some rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from ...interfaces.exceptions import InfrastructureError
from ._plans import Plan
from .errors import server_error

__all__ = ["Entry", "RowsEntry", "StepEntry", "Values"]

Values = tuple[Sequence[bytes | None], Sequence[int]]
"""The parameters of one statement, and their formats."""


class Entry:
    """A statement on its way; ``answer`` gets its result."""

    __slots__ = ("answer", "before", "expires", "is_new", "plan", "result")

    def __init__(self, plan: Plan, answer: asyncio.Future[PGresult], expires: float) -> None:
        self.plan = plan
        self.answer = answer
        self.expires = expires
        # Results of its preparation that come first.
        self.before = 0
        # Whether it was prepared with it: its columns need not be those of the plan.
        self.is_new = True
        self.result: PGresult | None = None

    @property
    def tried(self) -> str:
        """What an error says was tried."""
        return self.plan.tried

    def take(self, result: PGresult) -> None:
        """Take a result; an error behind it is the commit's: a deferred constraint."""
        if self.result is None or result.status == ExecStatus.FATAL_ERROR:
            self.result = result

    def took(self, seconds: float, result: PGresult) -> None:
        """Note how long it took."""
        self.plan.took(seconds, result.ntuples)

    def accept(self, result: PGresult) -> bool:
        """Give who waits the result; return whether it can be the answer to this."""
        if self.is_new:
            self.plan.look_at(result)

        self.answer.set_result(result)
        return True

    def error(self, result: PGresult, *, read_write: bool) -> InfrastructureError:
        """Return the error that the server sent."""
        query = self.plan.statement.text
        return server_error(result, self.tried, query=query, read_write=read_write)


class RowsEntry(Entry):
    """One statement for some rows under one Sync: all or nothing."""

    __slots__ = ("_done", "_failed", "_rows")

    def __init__(
        self, plan: Plan, answer: asyncio.Future[PGresult], expires: float, rows: int
    ) -> None:
        super().__init__(plan, answer, expires)
        self._rows = rows
        self._done = 0
        self._failed: int | None = None

    @property
    def tried(self) -> str:
        """What an error says was tried."""
        return f"execute_many {self.plan.shown}"

    def take(self, result: PGresult) -> None:
        """Take the result of the next row; an error behind the last is the commit's."""
        if result.status == ExecStatus.FATAL_ERROR:
            self._failed = self._done if self._done < self._rows else None
            self.result = result
        elif result.status == ExecStatus.COMMAND_OK:
            self._done += 1
            self.result = result

    def took(self, seconds: float, result: PGresult) -> None:
        """Note how long one row took, about."""
        super().took(seconds / self._rows, result)

    def error(self, result: PGresult, *, read_write: bool) -> InfrastructureError:
        """Return the error that the server sent, and of which row it is."""
        error = super().error(result, read_write=read_write)
        error.row_index = self._failed
        return error


class StepEntry:
    """Asks for a number, to see that answers are those to what was asked."""

    __slots__ = ("answer", "before", "expires", "number", "result")

    tried = "look whether the answers are in step"

    def __init__(self, answer: asyncio.Future[PGresult], number: int, expires: float) -> None:
        self.answer = answer
        self.number = number
        self.expires = expires
        self.before = 0
        self.result: PGresult | None = None

    @property
    def text(self) -> bytes:
        """The statement."""
        return b"SELECT %d" % self.number

    def take(self, result: PGresult) -> None:
        """Take the result."""
        if self.result is None or result.status == ExecStatus.FATAL_ERROR:
            self.result = result

    def took(self, _seconds: float, _result: PGresult) -> None:
        """Nobody wants to know."""

    def accept(self, result: PGresult) -> bool:
        """Return whether it is the number."""
        self.answer.set_result(result)
        return result.ntuples == 1 and result.get_value(0, 0) == b"%d" % self.number

    def error(self, result: PGresult, *, read_write: bool) -> InfrastructureError:
        """Return the error that the server sent: a cancel request may hit this too."""
        return server_error(result, self.tried, read_write=read_write)
