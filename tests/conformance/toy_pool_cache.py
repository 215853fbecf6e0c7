"""The same cache over redis-py's own connections: one call at a time on each of ten."""

from __future__ import annotations

import asyncio
import builtins
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostError, InvalidResponse, RedisError

from infrastructure.backends import ErrorMap, Limit, start_task, translated
from infrastructure.interfaces import ConnectionError, OperationError

from .toy_server import ServerHarness
from .toy_server_cache import ServerCache

__all__ = ["PoolHarness"]

ERRORS: ErrorMap = {
    OSError: ConnectionError,
    LostError: ConnectionError,
    # What follows in the stream cannot be understood either.
    InvalidResponse: ConnectionError,
    RedisError: OperationError,
}


class PoolCache(ServerCache):
    """A connection whose answer was not read is closed: nobody gets that answer later.

    The driver repeats nothing and has no time-outs of its own: on Python 3.11 these lose
    cancellations (``asyncio.wait_for``).
    """

    pool: BlockingConnectionPool | None = None

    async def _open(self) -> None:
        self.under_way: set[asyncio.Timeout] = set()
        self.pool = BlockingConnectionPool(
            max_connections=10,
            timeout=None,
            host="127.0.0.1",
            port=self.port,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )

        with translated(ERRORS, "connect"):
            await self.sent(Limit("connect"), "PING")

    def _abort(self) -> None:
        pool, self.pool = self.pool, None

        if pool is not None:
            for call in self.under_way:
                call.reschedule(0)

            start_task(pool.disconnect(inuse_connections=True), name="close the pool")

    async def ask(self, operation: str, *command: bytes | str | int, again: bool = False) -> Any:
        self._check(operation)

        async with Limit(operation, self._deadline) as limit:
            try:
                with translated(ERRORS, operation):
                    return await self.sent(limit, *command)
            except ConnectionError as exc:
                exc.outcome = limit.outcome

                if not again or self.pool is None:
                    raise

            # The others have lain as long.
            await self.pool.disconnect(inuse_connections=False)

            with translated(ERRORS, operation):
                return await self.sent(limit, *command)

    async def sent(self, limit: Limit, *command: bytes | str | int) -> Any:
        assert self.pool is not None

        try:
            async with asyncio.timeout(None) as call:
                self.under_way.add(call)
                return await self.answer(self.pool, limit, *command)
        except builtins.TimeoutError as exc:
            raise LostError("disconnect() was called") from exc
        finally:
            self.under_way.discard(call)

    async def answer(self, pool: BlockingConnectionPool, limit: Limit, *command: Any) -> Any:
        connection = await pool.get_connection()

        try:
            # The pool sees an orderly end, and no reset.
            if connection._reader.exception() is not None:
                await connection.disconnect(nowait=True)
                await connection.connect()

            limit.outcome = "unknown"
            await connection.send_command(*command)
            return await connection.read_response()
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        finally:
            await pool.release(connection)


class PoolHarness(ServerHarness):
    """What it gives up with a call costs a connection."""

    features = ("deadlines", "durable", "lifecycle", "server_faults")
    kind = PoolCache
