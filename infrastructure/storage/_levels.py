"""One open transaction: its levels (the transaction and its savepoints), and whose turn it is."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Optional, Protocol, TypeVar

from ..interfaces.exceptions import TimeoutError, TransactionError, ValidationError

__all__ = ["Level", "Root", "Session", "failed_error"]

T = TypeVar("T")

_NUMBERS = itertools.count(1)


class Session(Protocol):
    """The connection that a transaction has to itself."""

    async def control(self, text: str, expires: float) -> None:
        """Run BEGIN, COMMIT, ROLLBACK or a savepoint command; ends by ``expires``."""
        ...

    async def undo(self, savepoint: str, expires: float) -> None:
        """Roll back to a savepoint and release it, in one go."""
        ...

    def is_lost(self) -> bool:
        """Return whether the database has ended the transaction by itself."""
        ...

    def release(self) -> None:
        """Give the connection back; its transaction has ended."""
        ...

    def discard(self) -> None:
        """Return at once; a background task rolls back or closes the connection."""
        ...


class Level:
    """A transaction or a savepoint, open until it is committed or rolled back."""

    __slots__ = ("_guard", "ended", "failed", "flat", "name", "owner", "parent", "root")

    def __init__(self, root: Root, parent: Optional[Level], *, flat: bool) -> None:
        self.root: Root = root
        self.parent: Level | None = parent
        self.flat: bool = flat
        self.owner: asyncio.Task[Any] | None = asyncio.current_task()
        self.name: str = f"infrastructure_{next(_NUMBERS)}"
        self.failed: Optional[BaseException] = None
        self.ended: bool = False
        self._guard: Optional[Callable[[asyncio.Task[Any]], object]] = None

    def guard(self, callback: Callable[[asyncio.Task[Any]], object]) -> None:
        """Call ``callback`` should the owner end before the level does."""
        if self.owner is not None:
            self._guard = callback
            self.owner.add_done_callback(callback)

    def end(self) -> None:
        """Note that it was committed or rolled back."""
        self.ended = True

        if self._guard is not None and self.owner is not None:
            self.owner.remove_done_callback(self._guard)
            self._guard = None

    def __contains__(self, other: Level) -> bool:
        """Return whether ``other`` is this level or one inside it."""
        inner: Optional[Level] = other

        while inner is not None and inner is not self:
            inner = inner.parent

        return inner is self


class Waiter:
    """Somebody who waits for a turn; ``has_turn``: it was given to this one."""

    __slots__ = ("has_turn", "level", "turn", "with_inner")

    def __init__(self, level: Level, with_inner: bool) -> None:
        self.level = level
        self.with_inner = with_inner
        self.has_turn = False
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Root:
    """An open transaction on one session: one statement at a time, the innermost level's first."""

    def __init__(
        self, session: Session, outer: Optional[Level], outside: Any, *, flat: bool
    ) -> None:
        self.session: Session = session
        self.outer: Level | None = outer
        # The scope that its task is in afterwards.
        self.outside: Any = outside
        self.since: float = time.monotonic()
        self.gone: bool = False
        self.changed_schema: bool = False
        self.level: Level = Level(self, None, flat=flat)
        self._innermost = self.level
        self._busy = False
        self._waiting: deque[Waiter] = deque()

    @property
    def innermost(self) -> Level:
        """The level that statements run in now."""
        return self._innermost

    def __str__(self) -> str:
        owner = self.level.owner
        name = "a task that has ended" if owner is None or owner.done() else owner.get_name()
        return f"{name}, for {time.monotonic() - self.since:.1f} s"

    async def run(
        self, level: Level, expires: float, operation: str, send: Callable[[], Awaitable[T]]
    ) -> T:
        """Await ``send()`` when it is the turn of ``level``; note when it failed the level."""
        await self.take_turn(level, expires, operation)

        try:
            refuse_failed(level, operation)
            return await send()
        except BaseException as exc:
            # What was found before execution leaves the transaction as it is, unless the
            # database has ended it (SQLite's OR ROLLBACK).
            before = isinstance(exc, (ValidationError, TransactionError))

            if not before or self.session.is_lost():
                self._fail(level, exc)

            raise
        finally:
            self.give_turn()

    def _fail(self, level: Level, exc: BaseException) -> None:
        level.failed = level.failed or exc

        if self.session.is_lost():
            self.lose(level.parent, exc)

    def lose(self, level: Optional[Level], exc: BaseException) -> None:
        """Fail ``level`` and those around it: the database has ended their transaction."""
        while level is not None:
            level.failed = level.failed or exc
            level = level.parent

    async def take_turn(
        self, level: Level, expires: float, operation: str, *, with_inner: bool = False
    ) -> None:
        """Wait until no statement runs and ``level`` is the innermost one.

        ``with_inner``: or one inside it is, which the caller is about to end too.
        """
        has_turn = False

        while not self.gone and not has_turn:
            if not self._busy and (with_inner or self._innermost is level):
                break

            refuse_ended(level, operation)
            waiter = Waiter(level, with_inner)
            await self._wait(waiter, expires, operation)
            has_turn = waiter.has_turn

        try:
            refuse_ended(level, operation)
        except TransactionError:
            if has_turn:
                self.give_turn()

            raise

        self._busy = True

    async def _wait(self, waiter: Waiter, expires: float, operation: str) -> None:
        self._waiting.append(waiter)
        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())

        try:
            # Neither a time-out nor a cancellation here fails the transaction: nothing was sent.
            done, _ = await asyncio.wait({waiter.turn}, timeout=remaining)
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

        if not done:
            self._withdraw(waiter)
            msg = (
                f"{operation}: waited for its turn in the transaction of {self} until the deadline; "
                "a savepoint or a statement of another task holds it"
            )
            raise TimeoutError(msg, retryable=True, outcome="not_applied", operation=operation)

    def _withdraw(self, waiter: Waiter) -> None:
        """Take a waiter out; one that has the turn already gives it to the next."""
        waiter.turn.cancel()

        if waiter.has_turn:
            self.give_turn()

    def give_turn(self) -> None:
        """End a turn; the first who may run now gets it.

        Not whoever asks first: a task that goes on at once would leave no turn to those it woke.
        """
        self._busy = False
        self._wake()

    def _wake(self) -> None:
        still: deque[Waiter] = deque()

        for waiter in self._waiting:
            if waiter.turn.done():
                continue

            if waiter.level.ended or self.gone:
                waiter.turn.set_result(None)
            elif not self._busy and (waiter.with_inner or waiter.level is self._innermost):
                self._busy = waiter.has_turn = True
                waiter.turn.set_result(None)
            else:
                still.append(waiter)

        self._waiting = still

    def give_up(self) -> None:
        """Note that the session is gone: who waits for a turn learns it at once."""
        self.gone = True
        self._wake()

    def enter(self, level: Level) -> None:
        """Make ``level``, just opened, the innermost one."""
        self._innermost = level

    def leave(self, level: Level) -> None:
        """End ``level`` and those inside it."""
        inner: Optional[Level] = self._innermost

        while inner is not None and inner in level:
            inner.end()
            inner = inner.parent

        level.end()

        if inner is not None and self._innermost in level:
            self._innermost = inner

        if not self._busy:
            self._wake()


def refuse_ended(level: Level, operation: str) -> None:
    """Raise where a statement would run after its transaction."""
    if level.ended:
        msg = (
            f"{operation}: the transaction that this task was started in has ended; nothing was "
            "sent. Open a new one, or use `async with storage.detached():` to leave it on purpose"
        )
        raise TransactionError(msg, outcome="not_applied", operation=operation)


def refuse_failed(level: Level, operation: str) -> None:
    """Raise where a statement of the level has failed: only a rollback is left to do."""
    if level.failed is not None:
        raise failed_error(level, operation)


def failed_error(level: Level, operation: str) -> TransactionError:
    """Return the error of SQLSTATE 25P02 that names what failed first."""
    failed: Any = level.failed
    what = "a cancelled statement" if isinstance(failed, asyncio.CancelledError) else _told(failed)
    now = "it was rolled back" if level.ended else "roll it back"
    msg = f"{operation}: the transaction is aborted by an earlier failure ({what}); {now}"
    error = TransactionError(msg, sqlstate="25P02", outcome="not_applied", operation=operation)
    error.__cause__ = failed
    return error


def _told(failed: BaseException) -> str:
    return f"{type(failed).__name__}: {failed}" if str(failed) else type(failed).__name__
