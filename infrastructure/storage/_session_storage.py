"""A storage of several connections: each transaction, and each statement outside one, leases its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Optional, TypeVar

from .._core.deadline import expiry
from ._levels import Session
from ._transaction import Transactions
from ._transactional import TransactionalStorage

__all__ = ["SessionStorage"]

S = TypeVar("S", bound=Session)
T = TypeVar("T")


class SessionStorage(TransactionalStorage, Generic[S]):
    """A storage that leases a ``Session``, one connection, to each transaction.

    The backend says how to get one (``_lease``), how to open and to close (``Lifecycle``),
    and calls ``_transactions.abort()`` in its ``_abort``. It is given the transaction methods
    with all that the contract says of tasks, and ``_in_session`` for its statements. Where
    the database has no savepoints, ``Session.control`` raises ``TransactionError`` for them.
    """

    def __init__(self, *, deadline: Optional[float] = None) -> None:
        super().__init__(deadline=deadline)
        self._transactions = Transactions(self._lease, self._deadline)

    @abstractmethod
    async def _lease(self, expires: float, held: Any) -> S:
        """Return a session that nobody else has, by ``expires``, of ``time.monotonic()``.

        ``held`` is the transaction that the calling task has open already, or ``None``: a wait
        for what it holds itself would never end, and must raise ``TransactionError``.
        """

    def _in_transaction(self, operation: str) -> bool:
        """Return whether a statement of the calling task runs in a transaction."""
        return self._transactions.current(operation) is not None

    async def _in_session(self, operation: str, send: Callable[[S, float], Awaitable[T]]) -> T:
        """Await ``send(session, expires)`` where a statement of the calling task belongs.

        In its transaction, when it is its turn, which an error fails unless it was found
        before execution; else in a session of its own, discarded when ``send`` raises.
        """
        expires = expiry(self._deadline)
        level = self._transactions.current(operation)

        if level is not None:
            inside: Any = level.root.session
            return await level.root.run(level, expires, operation, lambda: send(inside, expires))

        session = await self._lease(expires, self._transactions.held())

        try:
            result = await send(session, expires)
        except BaseException:
            session.discard()
            raise

        session.release()
        return result
