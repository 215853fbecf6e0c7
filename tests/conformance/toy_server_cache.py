"""A small cache that is right, on a real server, faults included: what the mutants are made of."""

from __future__ import annotations

import asyncio
from typing import Any

from hiredis import HiredisError, ReplyError

from infrastructure.backends import (
    ErrorMap,
    Lifecycle,
    Limit,
    MsgpackCodec,
    check_key,
    check_ttl,
    compile_pattern,
    translated,
)
from infrastructure.interfaces import (
    CachingInterface,
    ConnectionError,
    OperationError,
)

from .toy_wire import Wire

ERRORS: ErrorMap = {OSError: ConnectionError, HiredisError: OperationError}


class ServerCache(Lifecycle, CachingInterface):
    """Keys below a prefix of a Valkey, over one wire that is made anew when it is lost."""

    _default_deadline = 5.0

    def __init__(self, port: int, prefix: str, *, deadline: float | None = None) -> None:
        super().__init__(deadline=deadline)
        self.port = port
        self.prefix = prefix
        self.codec = MsgpackCodec()
        self.wire: Wire | None = None
        self.making = asyncio.Lock()

    async def _open(self) -> None:
        with translated(ERRORS, "connect"):
            await self.connected()

    async def _close(self) -> None:
        """Fail what is in flight: a cache may."""

    def _abort(self) -> None:
        wire, self.wire = self.wire, None

        if wire is not None:
            wire.close(ConnectionAbortedError("disconnect() was called"))

    async def connected(self) -> Wire:
        """Return the wire; who finds it lost makes another, and the others wait for that."""
        async with self.making:
            if self.wire is None or self.wire.broken is not None:
                loop = asyncio.get_running_loop()
                _, made = await loop.create_connection(Wire, "127.0.0.1", self.port)

                try:
                    await made.ask("PING")
                except BaseException:
                    made.close(ConnectionAbortedError("it was given up"))
                    raise

                self.wire = made

            return self.wire

    async def ask(self, operation: str, *command: bytes | str | int, again: bool = False) -> Any:
        """Return the answer to a command; a read is asked ``again`` when its answer was lost."""
        self._check(operation)

        async with Limit(operation, self._deadline) as limit:
            try:
                with translated(ERRORS, operation):
                    return await self.sent(limit, *command)
            except ConnectionError as exc:
                exc.outcome = limit.outcome

                if not again or self.wire is None:
                    raise

            with translated(ERRORS, operation):
                return await self.sent(limit, *command)

    async def sent(self, limit: Limit, *command: bytes | str | int) -> Any:
        wire = await self.connected()
        # From here on nobody knows whether the server has it.
        limit.outcome = "unknown"
        reply = await wire.ask(*command)

        if isinstance(reply, ReplyError):
            if str(reply).startswith("LOADING"):
                limit.outcome = "not_applied"
                raise ConnectionRefusedError(str(reply))

            raise reply

        return reply

    def name(self, key: str) -> str:
        return self.prefix + check_key(key)

    async def get(self, key: str) -> Any | None:
        found = await self.ask("get", "GET", self.name(key), again=True)

        if not isinstance(found, bytes | None):
            msg = f"get: the server answered with {type(found).__name__}, which is no stored value"
            raise OperationError(msg)

        return None if found is None else self.codec.decode(found)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        ttl = check_ttl(ttl)
        stored = self.codec.encode(value)
        expiry = () if ttl is None else ("EX", ttl)

        if ttl == 0:
            await self.ask("set", "DEL", self.name(key))
        else:
            await self.ask("set", "SET", self.name(key), stored, *expiry)

    async def delete(self, key: str) -> bool:
        return bool(await self.ask("delete", "DEL", self.name(key)))

    async def exists(self, key: str) -> bool:
        return bool(await self.ask("exists", "EXISTS", self.name(key), again=True))

    async def ttl(self, key: str) -> int | None:
        left = await self.ask("ttl", "PTTL", self.name(key), again=True)
        return None if left < 0 else -(-left // 1000)

    async def scan_keys(self, pattern: str) -> list[str]:
        matches = compile_pattern(pattern)
        found = await self.ask("scan_keys", "KEYS", f"{self.prefix}*", again=True)
        keys = [name.decode()[len(self.prefix) :] for name in found]
        return [key for key in keys if matches(key)]
