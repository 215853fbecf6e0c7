"""A storage on a blocking driver: its connections on threads, its transactions by the kit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, ClassVar, Optional, TypeVar

from .._core.errors import ErrorMap
from ..interfaces.exceptions import InfrastructureError
from ._session_storage import SessionStorage
from ._threads import BlockingConnection, ThreadSession, ThreadSessions

__all__ = ["BlockingStorage"]

C = TypeVar("C", bound=BlockingConnection)
T = TypeVar("T")

_ROUND_TRIP = 1.0


class BlockingStorage(SessionStorage[ThreadSession[C]]):
    """A storage whose driver blocks, such as ``sqlite3`` or ``duckdb``.

    ``connect``     makes one connection; it is called on a thread, as often as needed.
    ``errors``      turns the driver's errors into ours.
    ``savepoints``  whether the database has them; else a second begin is refused.

    What is left to write is ``execute``, ``execute_many``, ``create_table`` and
    ``create_hypertable``, each by ``_run``.
    """

    _default_deadline: ClassVar[Optional[float]] = 30.0

    def __init__(
        self,
        connect: Callable[[], C],
        errors: ErrorMap,
        *,
        savepoints: bool = True,
        deadline: Optional[float] = None,
    ) -> None:
        super().__init__(deadline=deadline)
        self._sessions = ThreadSessions(connect, errors, savepoints=savepoints)

    async def _open(self) -> None:
        # The first connection proves that there can be one; connect() has the deadline.
        (await self._sessions.lease(math.inf)).release()

    async def _close(self) -> None:
        self._transactions.abort()
        await self._sessions.close()

    def _abort(self) -> None:
        self._transactions.abort()
        self._sessions.abort()

    async def _lease(self, expires: float, held: Any) -> ThreadSession[C]:
        return await self._sessions.lease(expires)

    async def _run(
        self, operation: str, work: Callable[[C], T], *, touches_session: bool = False
    ) -> T:
        """Return ``work(connection)``, run on a thread, in the transaction of the calling task.

        ``touches_session``: the connection is closed after its transaction, not used again.
        """

        async def send(session: ThreadSession[C], expires: float) -> T:
            session.touched |= touches_session
            return await session.run(work, expires, operation)

        return await self._in_session(operation, send)

    async def is_connected(self) -> bool:
        """Return whether a statement would reach the database now."""
        expires = time.monotonic() + _ROUND_TRIP

        try:
            self._check("is_connected")
            session = await self._sessions.lease(expires)

            try:
                await session.control("SELECT 1", expires)
            except BaseException:
                session.discard()
                raise
        except InfrastructureError:
            return False

        session.release()
        return True
