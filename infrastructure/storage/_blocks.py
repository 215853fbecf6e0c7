"""The ``async with`` blocks of a storage: one transaction, or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, Optional

from ..interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    TimeoutError,
    TransactionError,
)
from ._levels import Level
from ._transaction import ROLLBACK_WITHIN, Detached, Transactions

__all__ = ["CallBlock", "DetachedBlock", "TransactionBlock"]


class TransactionBlock:
    """``async with storage.transaction():``; its exit may run in any task."""

    _LET_GO: ClassVar[tuple[type[BaseException], ...]] = (asyncio.CancelledError,)
    """What its body ends by that leaves the rollback to the background."""

    def __init__(self, manager: Transactions, check: Callable[[str], None]) -> None:
        self._manager = manager
        self._check = check
        self._level: Optional[Level] = None
        self._before: Any = None

    async def __aenter__(self) -> None:
        if self._level is not None:
            msg = "this transaction() block was entered before; call transaction() again"
            raise TransactionError(msg, outcome="not_applied", operation="transaction")

        self._check("transaction")
        self._before = self._manager.scope()
        self._level = await self._manager.open(flat=False, operation="transaction")

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        level, manager = self._level, self._manager
        assert level is not None

        try:
            if isinstance(exc, self._LET_GO):
                manager.let_go(level)
            elif exc is not None:
                await self._roll_back_quietly(level, exc)
            else:
                await self._commit(level)
        finally:
            manager.rebind(level, self._before)

    async def _roll_back_quietly(self, level: Level, exc: BaseException) -> None:
        try:
            await self._manager.roll_back(level)
        except InfrastructureError as failure:
            # The body's own error is what the caller must see.
            exc.add_note(f"the rollback failed too: {failure}")

    async def _commit(self, level: Level) -> None:
        if level.ended:
            msg = "transaction: it was rolled back before its block ended"
            raise TransactionError(msg, outcome="not_applied", operation="commit") from level.failed

        inner = level.root.innermost

        if inner is not level and inner in level and inner.flat and inner.owner is level.owner:
            await self._manager.roll_back(level)
            msg = (
                "transaction: a begin_transaction() inside the block was neither committed nor "
                "rolled back; the whole block was rolled back"
            )
            raise TransactionError(msg, outcome="not_applied", operation="commit")

        try:
            await self._manager.commit(level, at_least=ROLLBACK_WITHIN)
        except BaseException:
            # Where it failed before it was sent, nobody else would end it.
            self._manager.let_go(level)
            raise


class CallBlock(TransactionBlock):
    """That of a single call, which has one deadline for all it does: a silent server gets no second more."""

    _LET_GO = (asyncio.CancelledError, TimeoutError, ConnectionError)


class DetachedBlock:
    """``async with storage.detached():`` an autocommit scope of its own."""

    def __init__(self, manager: Transactions) -> None:
        self._manager = manager
        self._before: Any = None
        self._scope: Optional[Detached] = None

    async def __aenter__(self) -> None:
        self._before = self._manager.scope()
        self._scope = Detached(self._manager.held())
        self._manager.bind(self._scope)

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        scope, manager = self._scope, self._manager
        assert scope is not None
        inner = manager.scope()
        manager.rebind(scope, self._before)

        if isinstance(inner, Level) and inner.root.outside is scope:
            manager.bind(self._before)
            self._refuse_open(inner.root.level, exc)

    def _refuse_open(self, level: Level, exc: Optional[BaseException]) -> None:
        """Roll back what was begun inside the block and not ended there."""
        if level.ended:
            return

        self._manager.let_go(level)

        if exc is None:
            msg = (
                "detached: a begin_transaction() inside the block was neither committed nor rolled "
                "back; it was rolled back"
            )
            raise TransactionError(msg, outcome="not_applied", operation="detached")
