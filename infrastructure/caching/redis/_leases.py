"""The right to make a value, held by one caller over all processes: what the server is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ...interfaces.exceptions import ConnectionError, TimeoutError
from ._commands import LARGE
from ._request import Request

__all__ = ["Held", "Lease", "Made"]

# Each does the same when it is sent twice with the same token: a lost answer is asked for again.
# KEYS are the key and its lease.
_TAKE = """
local value = redis.call('GET', KEYS[1])
if value then return value end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {redis.call('PTTL', KEYS[2])} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
"""

_RENEW = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[2], ARGV[2])
"""

# Who was set meanwhile wins, and so does who was deleted: that took the lease away.
_STORE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
"""

_GIVE_BACK = """
if redis.call('GET', KEYS[2]) == ARGV[1] then return redis.call('DEL', KEYS[2]) end
return 0
"""

Ask = Callable[[Request], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """The value is there already."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else makes it; without a sign of life for ``seconds`` his right is gone."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease on making the value of ``name``; ``token`` tells its holder from every other.

    The token is the fence: the value is stored in the same script that finds the token still
    there, so a holder that was away for too long stores nothing.
    """

    ask: Ask
    name: str
    lock: bytes
    seconds: float
    token: str = field(default_factory=lambda: uuid4().hex)

    async def take(self) -> Made | Held | None:
        """Return ``None`` when the lease is ours now."""
        reply = await self._eval(_TAKE, self.token, self._milliseconds)

        if isinstance(reply, list):
            # One without an end is not of our making: it is looked at again as often as others.
            return Held(self.seconds if reply[0] < 0 else reply[0] / 1000)

        return Made(reply) if isinstance(reply, bytes) else None

    async def renew(self) -> bool:
        """Return whether it was still ours, and is for another while."""
        return bool(await self._eval(_RENEW, self.token, self._milliseconds))

    async def store(self, data: bytes, ttl: int | None) -> bool:
        """Store the value and give the lease back; return whether it was still ours."""
        seconds = "" if ttl is None else ttl

        try:
            stored = await self._eval(_STORE, self.token, data, seconds, large=len(data) >= LARGE)
        except (ConnectionError, TimeoutError) as exc:
            # It may be sent twice, as a read may, but it is none.
            exc.outcome = "unknown"
            raise

        return bool(stored)

    async def give_back(self) -> None:
        """Let the next one make the value."""
        await self._eval(_GIVE_BACK, self.token)

    @property
    def _milliseconds(self) -> int:
        return max(1, int(self.seconds * 1000))

    async def _eval(self, script: str, *arguments: str | bytes | int, large: bool = False) -> Any:
        # EVAL, not EVALSHA: a few hundred bytes for each missing value, and nothing to prepare.
        command = ("EVAL", script, 2, self.name, self.lock, *arguments)
        return await self.ask(Request("get_or_set", command, self.name, reads=True, large=large))
