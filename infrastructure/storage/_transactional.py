"""The transaction methods of every storage: without a handle, each bound to its task."""

from __future__ import annotations

import sys
from contextlib import AbstractAsyncContextManager

from .._core.lifecycle import Lifecycle
from ..interfaces.storage import StorageInterface
from ._blocks import DetachedBlock, TransactionBlock
from ._transaction import Transactions

__all__ = ["TransactionalStorage"]


class TransactionalStorage(Lifecycle, StorageInterface):
    """A storage whose transactions are kept by ``_transactions``, which the backend makes."""

    _transactions: Transactions

    async def begin_transaction(self) -> None:
        """Begin a transaction for the calling task; inside one, begin a savepoint."""
        self._check("begin_transaction")
        # The frame tells whether this call is a task of its own.
        await self._transactions.begin(sys._getframe())

    async def commit(self) -> None:
        """Commit the innermost transaction or savepoint of the calling task."""
        self._check("commit")
        transactions = self._transactions
        await transactions.commit(transactions.flat_level("commit", sys._getframe()))

    async def rollback(self) -> None:
        """Roll the innermost transaction or savepoint of the calling task back."""
        self._check_owner("rollback")
        transactions = self._transactions
        await transactions.roll_back(transactions.flat_level("rollback", sys._getframe()))

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Return an ``async with`` block that is one transaction, or a savepoint inside one."""
        return TransactionBlock(self._transactions, self._check)

    def detached(self) -> AbstractAsyncContextManager[None]:
        """Return an ``async with`` block whose statements are outside any transaction."""
        return DetachedBlock(self._transactions)
