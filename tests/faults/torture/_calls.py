"""The single calls: each ends in time, with its own answer or an error that fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infrastructure import (
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    TransactionError,
    ValidationError,
)
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import StorageInterface

from .._timing import SLACK
from ._journal import Findings, Journal, Level
from ._plan import Step

__all__ = ["ENDING", "MARK", "TABLE", "Calls", "Scope"]

TABLE = "torture"
MARK = "torture_mark"
ENDING = 1.0
"""Seconds that the end of a block, and a rollback, have whatever the deadline (G5)."""

STEPS = 6
"""A stream and execute_many have the deadline for each step (G5), and so many steps at most here."""

_INSERT = f"INSERT INTO {TABLE} (id, unit) VALUES ($1, $2)"
_FIND = f"SELECT unit FROM {TABLE} WHERE id = $1"
_COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
    "SELECT i, CAST($1 AS BIGINT) AS mine FROM n"
)
_REFUSALS: dict[str, tuple[type[InfrastructureError], str | None]] = {
    "duplicate key": (IntegrityError, "23505"),
    "syntax error": (OperationError, "42601"),
    "wrong count": (ValidationError, None),
    "unmarked": (OperationError, "42P01"),
    "begun by another task": (TransactionError, None),
}
_READ_ONLY = "25006"


@dataclass(frozen=True)
class Scope:
    """Where a step runs: in ``level``, or in none; ``held``: its task has a transaction open."""

    level: Level | None = None
    held: bool = False


class Calls:
    """Calls ``storage``, whose calls have ``deadline`` seconds, and notes what must not be."""

    def __init__(
        self, storage: StorageInterface, journal: Journal, findings: Findings, deadline: float
    ) -> None:
        self.storage = storage
        self.journal = journal
        self.findings = findings
        self.deadline = deadline
        self._mine = 0

    @contextmanager
    def ends(self, what: str, scope: Scope, seconds: float | None = None) -> Iterator[None]:
        """Note when the block takes longer than it may, or raises what does not fit."""
        watch, allowed = Stopwatch(), (seconds or self.deadline) + SLACK
        self.journal.counts[what] += 1

        try:
            yield
        except InfrastructureError as exc:
            self._judge(what, scope, exc)
            raise
        finally:
            if watch.taken > allowed:
                self.findings.add("late", f"{what} took {watch.taken:.3f} s of {allowed:g} s")

    def _judge(self, what: str, scope: Scope, error: InfrastructureError) -> None:
        name = type(error).__name__
        self.journal.counts[f"{name}, {error.outcome}"] += 1

        if isinstance(error, (ConnectionError, TimeoutError)):
            fits = error.outcome in ("not_applied", "unknown")
        elif isinstance(error, TransactionError):
            fits = scope.held or what == "begun by another task"
        elif what in _REFUSALS:
            expected, state = _REFUSALS[what]
            fits = error.sqlstate == _READ_ONLY or (
                isinstance(error, expected) and error.sqlstate == state
            )
        else:
            fits = error.sqlstate == _READ_ONLY

        if not fits:
            self.findings.add("wrong error", f"{what} raised {error!r}, {error.outcome}")

    async def write(self, step: Step, scope: Scope) -> None:
        """Insert one row, by its promise."""
        row, returning = self.journal.row(), step.number % 2

        async def insert(unit: int) -> None:
            text = f"{_INSERT} RETURNING id, unit" if returning else _INSERT
            self._own(
                await self.storage.execute(text, [row, unit]),
                [{"id": row, "unit": unit}] if returning else [],
            )

        await self._promised("write", [row], scope, insert)

    async def many(self, step: Step, scope: Scope) -> None:
        """Insert several rows at once."""
        rows = [self.journal.row() for _ in range(step.number)]

        async def insert(unit: int) -> None:
            await self.storage.execute_many(_INSERT, [[row, unit] for row in rows])

        await self._promised("many", rows, scope, insert)

    async def _promised(
        self, what: str, rows: list[int], scope: Scope, insert: Callable[[int], Awaitable[None]]
    ) -> None:
        if scope.level is not None:
            await self._inside(what, rows, scope, scope.level, insert)
            return

        level = self.journal.alone(rows)

        try:
            with self.ends(what, scope, self._allowed(what)):
                await insert(level.unit.number)
        except BaseException as exc:
            level.unit.note(f"{what} {rows} -> {exc!r}, {getattr(exc, 'outcome', '')}")
            level.end_by(exc)
            raise

        level.state = "committed"
        self.journal.newest = (rows[-1], level.unit.number)

    async def _inside(
        self,
        what: str,
        rows: list[int],
        scope: Scope,
        level: Level,
        insert: Callable[[int], Awaitable[None]],
    ) -> None:
        over = level.is_over
        level.tried.update(rows)

        try:
            with self.ends(what, scope, self._allowed(what)):
                await insert(level.unit.number)
        except BaseException as exc:
            level.unit.note(f"{what} {rows} -> {exc!r}, {getattr(exc, 'outcome', '')}")
            raise

        level.unit.note(f"{what} {rows}")
        level.tried.difference_update(rows)
        level.rows.extend(rows)

        if over:
            self.findings.add("outside", f"{what} of rows {rows} after its transaction had ended")

    def _allowed(self, what: str) -> float:
        return self.deadline * (STEPS if what == "many" else 1)

    def _own(self, found: Any, expected: Any) -> None:
        if found != expected:
            self.findings.add("foreign answer", f"{found!r:.200} in place of {expected!r:.200}")

    async def read(self, _: Step, scope: Scope) -> None:
        """Read a row that must be there."""
        if self.journal.newest is None:
            return

        row, unit = self.journal.newest

        with self.ends("read", scope):
            found = await self.storage.execute(_FIND, [row])

        self._own(found, [{"unit": unit}])

    async def stream(self, step: Step, scope: Scope) -> None:
        """Read rows as they come; all, or leave after some."""
        self._mine += 1
        mine, left = self._mine, step.number * 20 if step.kind == "stream left" else 300
        seen = 0

        with self.ends(step.kind, scope, self.deadline * STEPS):
            async for row in self.storage.stream(_COUNT, [mine], 50):
                seen += 1
                self._own(row, {"i": seen, "mine": mine})

                if seen == left:
                    break

        self._own(seen, left)

    async def refused(self, step: Step, scope: Scope) -> None:
        """Ask for what the database must refuse, which fails a transaction."""
        kind, execute = step.kind, self.storage.execute

        with self.ends(kind, scope):
            try:
                if kind == "duplicate key":
                    await execute(_INSERT, [0, 0])
                elif kind == "syntax error":
                    await execute("SELECT FROM WHERE")
                elif kind == "wrong count":
                    await execute(_INSERT, [1])
                else:
                    await execute(f"SELECT n FROM {MARK}")
            except (IntegrityError, OperationError) as exc:
                if scope.level is not None and not isinstance(exc, TransactionError):
                    scope.level.doomed = True

                raise

        kind = "dirty" if kind == "unmarked" else "not refused"
        self.findings.add(kind, step.kind)

    async def mark(self, _: Step, scope: Scope) -> None:
        """Leave something in the session, which nobody else must ever see."""
        assert scope.level is not None
        unit, text = scope.level.unit, f"CREATE TEMP TABLE {MARK} (n BIGINT)"

        if unit.marked:
            return

        unit.marked = True

        try:
            with self.ends("session state", scope):
                await self.storage.execute(text)
        except OperationError as exc:
            if exc.sqlstate == "42P07":
                self.findings.add(
                    "dirty", f"unit {unit.number} got a session that another had marked"
                )

            raise
