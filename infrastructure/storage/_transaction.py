"""Transactions without a handle: which one the calling task is in, and who may end it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Optional, Union

from .._core.deadline import expiry
from .._core.tasks import Tasks, logger
from ..interfaces._context import transactions
from ..interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    OperationError,
    TransactionError,
)
from ._levels import Level, Root, Session, failed_error, refuse_ended

__all__ = ["ROLLBACK_WITHIN", "Detached", "Transactions"]

ROLLBACK_WITHIN = 1.0
"""Seconds that a rollback and the end of a block have, whatever the deadline around them."""

Lease = Callable[[float, Optional[Level]], Awaitable[Session]]
"""Gets a session by an instant; the level is one that the asking task holds already."""


class Detached:
    """Marks a scope outside any transaction; ``outer`` is what the task holds all the same."""

    __slots__ = ("outer",)

    def __init__(self, outer: Optional[Level]) -> None:
        self.outer: Level | None = outer


class Transactions:
    """The transactions of one storage."""

    def __init__(self, lease: Lease, deadline: Optional[float], *, begin: str = "BEGIN") -> None:
        self._lease = lease
        self._deadline = deadline
        self._begin = begin
        self._tasks = Tasks("storage")
        self.roots: set[Root] = set()

    def current(self, operation: str) -> Optional[Level]:
        """Return the level that a statement of the calling task runs in, or ``None``.

        A task that joined a transaction which has ended gets ``TransactionError``; its
        owner is simply outside.
        """
        scope: Union[Level, Detached, None] = transactions.get().get(self)

        if scope is None or isinstance(scope, Detached):
            return None

        level: Optional[Level] = scope
        task = asyncio.current_task()

        while level is not None and level.ended:
            if level.owner is not task:
                refuse_ended(level, operation)

            level = level.parent

        return level

    def held(self) -> Optional[Level]:
        """Return the open level that the calling task holds, be it detached from it or not."""
        scope: Union[Level, Detached, None] = transactions.get().get(self)
        level = scope.outer if isinstance(scope, Detached) else scope

        while level is not None and level.ended:
            level = level.parent or level.root.outer

        return level

    async def open(self, *, flat: bool, operation: str) -> Level:
        """Open a transaction, or a savepoint inside the one the calling task is in."""
        level = self.current(operation)
        expires = expiry(self._deadline)

        if level is None:
            inner = await self._open_root(flat=flat, expires=expires)
        else:
            inner = await self._open_savepoint(
                level, flat=flat, expires=expires, operation=operation
            )

        self.bind(inner)
        return inner

    async def _open_root(self, *, flat: bool, expires: float) -> Level:
        outer = self.held()
        session = await self._lease(expires, outer)
        root = Root(session, outer, self._outside(outer), flat=flat)

        try:
            await session.control(self._begin, expires)
        except BaseException:
            session.discard()
            raise

        self.roots.add(root)
        return root.level

    async def _open_savepoint(
        self, level: Level, *, flat: bool, expires: float, operation: str
    ) -> Level:
        root = level.root
        inner = Level(root, level, flat=flat)

        async def send() -> None:
            await root.session.control(f"SAVEPOINT {inner.name}", expires)
            root.enter(inner)

        await root.run(level, expires, operation, send)
        return inner

    def bind(self, scope: Union[Level, Detached, None]) -> None:
        """Put the calling task, and those that it starts, into ``scope``."""
        transactions.set({**transactions.get(), self: scope})

    def rebind(self, left: Union[Level, Detached], outer: Any) -> None:
        """Leave the scope ``left`` where the calling task still is in it, or in a level inside it."""
        scope = self.scope()
        inside = isinstance(left, Level) and isinstance(scope, Level) and scope in left

        # A level that ended with the one around it would refuse the tasks that are started next.
        if scope is left or inside:
            self.bind(outer)

    def scope(self) -> Union[Level, Detached, None]:
        """Return the scope as it is bound now."""
        return transactions.get().get(self)

    async def begin(self, caller: FrameType) -> None:
        """Begin for the calling task, until ``commit`` or ``rollback``; ``caller`` is its frame."""
        operation = "begin_transaction"

        if runs_as_own_task(caller):
            msg = (
                "begin_transaction was run as a task of its own (gather, create_task, wait_for on "
                "Python 3.11): the transaction would belong to that task and end with it. Await it "
                "directly, with asyncio.timeout() for a time limit"
            )
            raise TransactionError(msg, outcome="not_applied", operation=operation)

        level = self.current(operation)

        if level is not None and level.owner is not asyncio.current_task():
            raise not_owner(operation)

        opened = await self.open(flat=True, operation=operation)

        opened.guard(lambda _task: self._orphaned(opened))

    def _orphaned(self, level: Level) -> None:
        if not level.ended:
            logger.warning(
                "a task ended with its begin_transaction still open: it is rolled back; "
                "call commit() or rollback(), or use `async with storage.transaction():`"
            )
            self._tasks.start(self._roll_back_quietly(level), "roll back what a task left open")

    def flat_level(self, operation: str, caller: FrameType) -> Level:
        """Return the level that ``commit`` or ``rollback`` ends, or raise ``TransactionError``."""
        level = self.current(operation)

        if level is None:
            msg = f"{operation}: no transaction is open; call begin_transaction() first"
            raise TransactionError(msg, outcome="not_applied", operation=operation)

        if level.owner is not asyncio.current_task() and not runs_as_own_task(caller):
            raise not_owner(operation)

        if not level.flat:
            msg = (
                f"{operation}: this transaction belongs to an `async with storage.transaction():` "
                "block, whose end commits it; raise an exception in the block to roll it back"
            )
            raise TransactionError(msg, outcome="not_applied", operation=operation)

        return level

    async def commit(self, level: Level, *, at_least: float = 0.0) -> None:
        """Commit ``level``; one in which a statement failed is rolled back, and raises.

        ``at_least`` seconds are left for it, whatever the deadline around it.
        """
        if level.failed is not None:
            await self.roll_back(level)
            raise failed_error(level, "commit")

        root = level.root
        expires = max(expiry(self._deadline), time.monotonic() + at_least)
        await root.take_turn(level, expires, "commit")

        try:
            failed = level.failed is not None

            if not failed:
                await self._send_commit(level, expires)
        finally:
            root.give_turn()

        # The statement of another task that had the turn before may have failed it.
        if failed:
            await self.roll_back(level)
            raise failed_error(level, "commit")

    async def _send_commit(self, level: Level, expires: float) -> None:
        text = f"RELEASE SAVEPOINT {level.name}" if level.parent else "COMMIT"

        try:
            await level.root.session.control(text, expires)
        except BaseException as exc:
            level.failed = exc
            self._end_badly(level, exc)
            raise

        self._end(level)

    def _end(self, level: Level) -> None:
        level.root.leave(level)

        if level.parent is None:
            self.roots.discard(level.root)
            level.root.session.release()

        self.rebind(level, level.parent or level.root.outside)

    def _end_badly(self, level: Level, exc: BaseException) -> None:
        """End a level in a state nobody knows: the background rolls all back, or closes.

        The levels around it stay until their owners end them, and say what happened:
        nothing of theirs runs outside silently.
        """
        root = level.root
        root.leave(level)
        root.lose(level.parent, exc)
        self._discard(root)
        self.rebind(level, level.parent or level.root.outside)

    def _discard(self, root: Root) -> None:
        root.give_up()
        self.roots.discard(root)
        root.session.discard()

    def _outside(self, outer: Optional[Level]) -> Optional[Detached]:
        """Return what the calling task is in when a transaction that it begins now has ended."""
        scope = self.scope()

        # The very one: its block knows by it that the task is in it still.
        if isinstance(scope, Detached):
            return scope

        return None if outer is None else Detached(outer)

    async def roll_back(self, level: Level) -> None:
        """Roll ``level`` back within a second, or leave it to the background."""
        if level.ended:
            return

        root = level.root
        expires = time.monotonic() + ROLLBACK_WITHIN

        if root.gone:
            self._end(level)
            return

        try:
            await root.take_turn(level, expires, "rollback", with_inner=True)
        except TransactionError:
            # Ended meanwhile with the level around it: there is nothing left to roll back.
            return
        except BaseException as exc:
            self._end_badly(level, exc)
            raise

        try:
            # Its session may have been given up meanwhile, and be another's by now.
            if not root.gone:
                await self._send_rollback(level, expires)
        except BaseException as exc:
            self._end_badly(level, exc)
            raise
        else:
            self._end(level)
        finally:
            root.give_turn()

    async def _send_rollback(self, level: Level, expires: float) -> None:
        root = level.root

        if level.parent is None:
            await root.session.control("ROLLBACK", expires)
            return

        await root.session.undo(level.name, expires)

        if root.session.is_lost():
            root.lose(level.parent, level.failed or lost())

    def let_go(self, level: Level) -> None:
        """Roll ``level`` back in the background: its body was cancelled, nobody waits."""
        if level.ended:
            return

        if level.parent is None or level.root.gone:
            self._end_badly(level, asyncio.CancelledError())
        else:
            self._tasks.start(self._roll_back_quietly(level), "roll back a cancelled savepoint")

    async def _roll_back_quietly(self, level: Level) -> None:
        # Where it fails, the whole transaction is given up, which its owner learns of.
        with suppress(InfrastructureError):
            await self.roll_back(level)

    def abort(self) -> None:
        """Roll all transactions back at once: the storage disconnects."""
        for root in tuple(self.roots):
            root.lose(root.innermost, disconnected())
            self._discard(root)

    def forget(self) -> None:
        """Let go of all transactions: their connections are another process's or loop's."""
        for root in self.roots:
            root.lose(root.innermost, disconnected())
            root.gone = True

        self.roots.clear()


def lost() -> InfrastructureError:
    """Return why a transaction failed that the database has ended by itself."""
    return OperationError("the database has rolled the transaction back", outcome="not_applied")


def disconnected() -> InfrastructureError:
    """Return why a transaction failed whose storage was disconnected under it."""
    return ConnectionError("the storage was disconnected", outcome="not_applied")


def runs_as_own_task(frame: FrameType) -> bool:
    """Return whether the coroutine of ``frame`` is the whole of the running task."""
    task = asyncio.current_task()
    return task is not None and getattr(task.get_coro(), "cr_frame", None) is frame


def not_owner(operation: str) -> TransactionError:
    """Return the error of a task that would end or nest another task's transaction."""
    msg = (
        f"{operation}: the transaction belongs to the task that began it; here use "
        "`async with storage.transaction():` for a savepoint, or storage.detached()"
    )
    return TransactionError(msg, outcome="not_applied", operation=operation)
