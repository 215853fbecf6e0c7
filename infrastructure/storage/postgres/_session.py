"""A connection while one transaction has it."""

from __future__ import annotations

from ...interfaces.exceptions import ConnectionError, TransactionError
from ._commits import settle_commit
from ._connection import Connection
from ._greeting import KEPT_BY_POOLERS
from ._plans import Plans
from ._pool import Pool

__all__ = ["PostgresSession"]

# In one message with the end of the transaction: after it a pooler gives the connection to others.
_RESETS = (
    "; DISCARD TEMP; RESET ALL; RESET SESSION AUTHORIZATION; DEALLOCATE ALL; UNLISTEN *; CLOSE ALL; "
    "SELECT pg_catalog.pg_advisory_unlock_all(); SET client_encoding TO UTF8"
) + "".join(f"; SET {name} TO {value}" for name, value in KEPT_BY_POOLERS.items())


# Which method such a command belongs to.
_METHODS = {
    "BEGIN": "begin_transaction",
    "SAVEPOINT": "begin_transaction",
    "COMMIT": "commit",
    "RELEASE": "commit",
    "ROLLBACK": "rollback",
}


class PostgresSession:
    """A lease of one connection; ``plans`` are those of the storage."""

    def __init__(self, connection: Connection, pool: Pool, plans: Plans) -> None:
        self.connection: Connection = connection
        self.changed_schema = False
        self._pool = pool
        self._plans = plans
        self._begun = False
        self._given_back = False

    async def control(self, text: str, expires: float) -> None:
        """Run a transaction command; what a cancelled statement left is ended before a rollback."""
        connection = self.connection
        # Where the transaction is given up meanwhile the connection is closed, and nobody else's:
        # what ends the statement before would go on with the next user's.
        connection.at_work = True

        try:
            await self._control(text, expires)
        finally:
            connection.at_work = False

    async def _control(self, text: str, expires: float) -> None:
        if not self._begun:
            await self._begin(text, expires)
        elif text == "COMMIT":
            await self._commit(expires)
        elif text.startswith("ROLLBACK"):
            await self._roll_back(text, expires)
        else:
            await self.connection.simple(text, expires, _method(text))

    async def _begin(self, text: str, expires: float) -> None:
        try:
            await self.connection.begin_transaction(text, expires)
        except ConnectionError:
            # The connection was dead, as all are after a restart: nothing has happened yet.
            if self.connection.is_open:
                raise

            self.connection = await self._pool.lease(expires, None, "begin_transaction")
            await self.connection.begin_transaction(text, expires)

        self._begun = True

    async def _commit(self, expires: float) -> None:
        connection = self.connection

        try:
            await self._end("COMMIT", expires)
        except ConnectionError as exc:
            if exc.outcome != "unknown" or connection.number is None:
                raise

            await settle_commit(self._pool, connection.number, exc, expires)

        if connection.changed_schema:
            # For the others only now.
            self._plans.clear()

    async def _roll_back(self, text: str, expires: float) -> None:
        connection = self.connection
        await connection.settle(expires)

        # Else the server has ended it by itself.
        if not connection.in_transaction:
            return

        try:
            if text == "ROLLBACK":
                await self._end(text, expires)
            else:
                await connection.simple(text, expires, _method(text))
        except ConnectionError:
            # With the connection the server ends the transaction.
            if connection.is_open:
                raise

        if connection.plans is not None:
            connection.change_scope()

    async def _end(self, text: str, expires: float) -> None:
        """End the transaction, and undo the state of a session that is not closed: a pooler's."""
        connection = self.connection
        resets = _RESETS if connection.pooled and connection.touched else ""
        done = await connection.simple(text + resets, expires, _method(text))

        if resets:
            connection.touched = False

        # The server says so, and no more, where a statement before had failed.
        if text == "COMMIT" and done[0].command_status == b"ROLLBACK":
            msg = "commit: a statement of the transaction had failed, and the server rolled it back"
            raise TransactionError(msg, sqlstate="25P02", outcome="not_applied", operation="commit")

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


def _method(text: str) -> str:
    return _METHODS[text.partition(" ")[0]]
