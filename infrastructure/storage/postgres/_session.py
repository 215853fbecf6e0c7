"""A connection while one transaction has it."""

from __future__ import annotations

from ...interfaces.exceptions import ConnectionError
from ._commits import settle_commit
from ._connection import Connection
from ._pool import Pool

__all__ = ["PostgresSession"]

# In one message with the end of the transaction: after it a pooler gives the connection to others.
_RESETS = (
    "; DISCARD TEMP; RESET ALL; RESET SESSION AUTHORIZATION; DEALLOCATE ALL; UNLISTEN *; CLOSE ALL; "
    "SELECT pg_catalog.pg_advisory_unlock_all()"
)


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

        try:
            await connection.simple(text + self._resets(text), expires, text)
        except ConnectionError as exc:
            if text != "COMMIT" or exc.outcome != "unknown" or connection.number is None:
                raise

            await settle_commit(self._pool, connection.number, exc, expires)

    def _resets(self, text: str) -> str:
        """Return what undoes the state of a session that is not closed afterwards, but a pooler's."""
        connection = self.connection

        if text not in ("COMMIT", "ROLLBACK") or not (connection.pooled and connection.touched):
            return ""

        connection.touched = False
        return _RESETS

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
        self.connection.number = None

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
