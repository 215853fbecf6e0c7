"""A connection while one transaction has it."""

from __future__ import annotations

from ...interfaces.exceptions import ConnectionError
from ._connection import Connection
from ._pool import Pool

__all__ = ["PostgresSession"]


class PostgresSession:
    """A lease of one connection."""

    def __init__(self, connection: Connection, pool: Pool) -> None:
        self.connection: Connection = connection
        self.changed_schema = False
        self._pool = pool
        self._begun = False
        self._given_back = False

    async def control(self, text: str, expires: float) -> None:
        """Run a transaction command; what a cancelled statement left is ended before a rollback."""
        connection = self.connection

        if not self._begun:
            await self._begin(text, expires)
            return

        if text.startswith("ROLLBACK"):
            await connection.settle(expires)

            # The server has ended it by itself, with the connection or without.
            if not connection.in_transaction:
                return

        await connection.simple(text, expires, text)

    async def _begin(self, text: str, expires: float) -> None:
        try:
            await self.connection.simple(text, expires, text, harmless=True)
        except ConnectionError:
            # The connection was dead, as all are after a restart: nothing has happened yet.
            if self.connection.is_open:
                raise

            self.connection = await self._pool.lease(expires, None, "begin")
            await self.connection.simple(text, expires, text, harmless=True)

        self._begun = True

    async def undo(self, savepoint: str, expires: float) -> None:
        """Roll back to a savepoint and release it, in one go."""
        text = f"ROLLBACK TO SAVEPOINT {savepoint}; RELEASE SAVEPOINT {savepoint}"
        await self.control(text, expires)

    def is_lost(self) -> bool:
        """Return whether the transaction has ended with its connection, or by itself."""
        return self._begun and not self.connection.in_transaction

    def release(self) -> None:
        """Give the connection back."""
        if self._give_back():
            self._pool.release(self.connection)

    def discard(self) -> None:
        """Return at once; the pool rolls back or closes."""
        if self._give_back():
            self._pool.discard(self.connection)

    def _give_back(self) -> bool:
        # Each level that ends badly does: by the second time it may be somebody else's.
        first, self._given_back = not self._given_back, True
        return first
