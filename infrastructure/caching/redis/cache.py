"""The cache on Redis and Valkey: one server, a Cluster, or a primary behind sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from threading import get_ident
from typing import Any, ClassVar, Literal

from ..._core.codec import Codec
from ..._core.deadline import expiry, open_instant
from ..._core.glob import compile_pattern
from ..._core.lifecycle import Lifecycle
from ..._core.names import check_key, check_ttl
from ..._core.tasks import Tasks
from ...interfaces._flights import Flight, Flights
from ...interfaces._several import mapped, several
from ...interfaces.caching import CachingInterface
from .._steps import Steps
from ._batches import run_batch
from ._commands import Commands
from ._making import Maker
from ._mode import Mode
from ._modes import make_mode
from ._near import Near
from ._near_read import read_near
from ._near_store import make_near
from ._options import DEFAULTS, read_options
from ._pattern import server_pattern
from ._request import Request
from ._scan import scan_keys
from ._signals import Refused, Signal
from .stats import NearStats

__all__ = ["RedisCache"]

_LARGE = 64 * 1024
"""Bytes from which on a value has a link of its own, where it holds up nobody."""


class RedisCache(Lifecycle, CachingInterface):
    """A cache on Redis 6 or newer, or on Valkey.

    ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, ``unix:///path?db=0``,
    ``redis+cluster://h1:6379,h2:6379``, ``redis+sentinel://h1:26379,h2:26379/service/0``.
    Every keyword option but ``near`` may stand in the URL.

    ``prefix``           before every key of this cache; ``scan_keys`` cannot leave it.
    ``codec``            ``"msgpack"`` keeps every type; ``"json"`` and ``"raw"`` are for readers
                         in other languages.
    ``mode``             ``"multiplexed"``: all calls share one link to each primary;
                         ``"pooled"``: each has a connection of redis-py's, of ``max_connections``.
    ``near``             a cache that keeps what was read as long as the server would report a
                         change; ``near_entries`` makes one of so many entries.
    ``lease``            seconds for which ``get_or_set`` of another process waits for a holder
                         that gives no sign of life.
    ``client_name``      what CLIENT LIST shows.
    ``tls_ca_file``      certificates to trust in place of the system's.
    ``sentinel_user``, ``sentinel_password``  as whom to ask the sentinels.
    """

    _default_deadline: ClassVar[float | None] = 5.0

    def __init__(
        self,
        url: str = "redis://localhost:6379",
        *,
        deadline: float | None = None,
        prefix: str = "",
        codec: str | Codec = "msgpack",
        mode: Literal["multiplexed", "pooled"] = "multiplexed",
        max_connections: int = 10,
        near: CachingInterface | None = None,
        near_entries: int = 0,
        lease: float = 3.0,
        client_name: str | None = None,
        tls_ca_file: str | None = None,
        sentinel_user: str | None = None,
        sentinel_password: str | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in DEFAULTS}
        self._options = options = read_options(url, given)
        super().__init__(deadline=options.deadline)
        self._prefix = options.prefix
        self._encode, self._decode = options.codec.encode, options.codec.decode
        self._commands = Commands(options.prefix, clustered=options.address.topology == "cluster")
        self._near: Near | None = make_near(options.prefix, options.near, options.near_entries)
        self._flights = Flights()
        self._looking: set[str] = set()
        self._tasks = Tasks("RedisCache")
        self._begin()

    @property
    def near_stats(self) -> NearStats:
        """What the near cache did since ``connect``; all zero where there is none."""
        near = self._near
        return NearStats() if near is None else near.stats

    async def get(self, key: str) -> Any | None:
        """Return the value of ``key``, or ``None`` when there is none."""
        # As _check, written out.
        if self._thread != get_ident() or not self._is_running() or open_instant() is not None:
            self._check("get")

        if (near := self._near) is not None:
            if (value := near.find(key)) is not None:
                return value

            return await read_near(near, self._mode, self._commands, check_key(key), self._value)

        name = self._prefix + check_key(key)

        try:
            reply = await self._send(name, ("GET", name))
        except Signal as why:
            reply = await self._mode.settle(self._commands.get("get", name), why)

        # The usual answers come before all others.
        if type(reply) is bytes and len(reply) < _LARGE:
            return self._decode(reply)

        if reply is None:
            return None

        reply = await self._settled(self._commands.get("get", name), reply)
        return None if reply is None else self._value(name, reply)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Store ``value`` under ``key``."""
        self._check("set")
        name = self._prefix + check_key(key)
        data = self._encode(value)

        if ttl is not None or len(data) >= _LARGE or self._near is not None:
            await self._change(key, self._set("set", key, data, check_ttl(ttl)))
            return

        self._flights.supersede(key)

        try:
            reply = await self._send(name, ("SET", name, data))
        except Signal as why:
            await self._mode.settle(self._set("set", key, data, None), why)
            return

        if reply != b"OK":
            await self._settled(self._set("set", key, data, None), reply)

    async def delete(self, key: str) -> bool:
        """Remove ``key``; return ``True`` exactly when a live key was removed."""
        self._check("delete")
        return bool(await self._change(key, self._commands.delete("delete", check_key(key))))

    async def exists(self, key: str) -> bool:
        """Return whether ``key`` is live."""
        self._check("exists")
        name = self._prefix + check_key(key)
        return bool(await self._ask(self._commands.exists(name)))

    async def ttl(self, key: str) -> int | None:
        """Return the seconds until ``key`` expires, rounded up; ``None`` when it never does."""
        self._check("ttl")
        name = self._prefix + check_key(key)
        left = await self._ask(self._commands.left("ttl", name))
        # -2 is a missing key, -1 one without expiry; one that has less than 1 ms is live still.
        return None if left < 0 else max(1, -(-left // 1000))

    async def scan_keys(self, pattern: str) -> list[str]:
        """Return every live key that matches ``pattern``, of all primaries."""
        self._check("scan_keys")
        matches = compile_pattern(pattern)
        match = server_pattern(self._prefix, pattern)
        return await scan_keys(self._mode, match, self._prefix, matches)

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those ``keys`` that are there."""
        found: dict[str, Any] = {}

        def take(key: str, reply: bytes | None) -> None:
            if reply is not None:
                found[key] = self._value(self._prefix + key, reply)

        def make(key: str) -> Request:
            return self._commands.get("get_many", self._prefix + key)

        await self._batch("get_many", list(several(keys, "keys")), make, take)
        return found

    async def set_many(self, mapping: Mapping[str, Any], ttl: int | None = None) -> None:
        """Store every value of ``mapping``; nothing is stored when one of them is not valid."""
        check_ttl(ttl)
        values = dict(mapped(mapping, "keys"))
        encoded: dict[str, bytes] = {}

        def check(key: str) -> None:
            encoded[check_key(key)] = self._encode(values[key])

        def make(key: str) -> Request:
            self._forget(key)
            return self._set("set_many", key, encoded[key], ttl)

        await self._batch("set_many", list(values), make, self._changed, check)

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Remove ``keys``; return how many live ones were removed."""
        removed = 0

        def make(key: str) -> Request:
            self._forget(key)
            return self._commands.delete("delete_many", key)

        def take(key: str, reply: int) -> None:
            nonlocal removed
            removed += reply
            self._changed(key, reply)

        await self._batch("delete_many", list(several(keys, "keys")), make, take)
        return removed

    async def get_or_set(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: int | None = None
    ) -> Any:
        """Return the value of ``key``; where it is missing, make it by ``factory`` and store it.

        One call of the factory over all processes while its holder renews its lease; each
        caller gets a copy of its own.
        """
        self._check("get_or_set")
        check_ttl(ttl)
        name = self._prefix + check_key(key)
        expires = expiry(self._deadline)
        value = None if self._near is None else await self.get(key)

        if value is not None:
            return value

        data = await self._look(key, name)

        if data is None:
            make = partial(self._make, key, factory, ttl)
            data = await self._flights.run(key, make, expires)

        return self._value(name, data)

    async def _look(self, key: str, name: str) -> bytes | None:
        """Return what is stored, unless somebody here is looking already: then there is a flight.

        A thousand callers of a key ask the server once, not a thousand times.
        """
        if key in self._flights or key in self._looking:
            return None

        self._looking.add(key)

        try:
            data: bytes | None = await self._ask(self._commands.get("get_or_set", name))
        finally:
            self._looking.discard(key)

        return data

    async def _make(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: int | None, flight: Flight
    ) -> bytes:
        maker = Maker(self._mode, self._tasks, self._encode, self._options.lease)
        name, lock = self._prefix + key, self._commands.lock(key)
        return await maker.make(name, lock, factory, ttl, flight)

    async def _ask(self, request: Request) -> Any:
        """Return the reply of a request, by the fast path where it can go there."""
        try:
            if request.lead is not None:
                self._mode.ahead(request.name, request.lead)

            reply = await self._send(request.name, request.command)
        except Signal as why:
            return await self._mode.settle(request, why)

        return await self._settled(request, reply)

    async def _settled(self, request: Request, reply: Any) -> Any:
        """Return the reply that the fast path brought, if that is one."""
        if type(reply) is Refused:
            return await self._mode.settle(request, reply)

        if not request.fits(reply):
            raise self._mode.distrust(request)

        return reply

    async def _change(self, key: str, request: Request) -> Any:
        """Run what changes a key; what this process knows of it is forgotten before and after."""
        self._forget(key)

        try:
            return await (self._mode.run(request) if request.large else self._ask(request))
        finally:
            self._changed(key, None)

    def _set(self, operation: str, key: str, data: bytes, ttl: int | None) -> Request:
        return self._commands.set(operation, key, data, ttl, large=len(data) >= _LARGE)

    def _forget(self, key: str) -> None:
        self._flights.supersede(key)
        self._changed(key, None)

    def _changed(self, key: str, _reply: Any) -> None:
        if self._near is not None:
            self._near.drop(key)

    def _value(self, name: str, data: Any) -> Any:
        if len(data) >= _LARGE:
            self._mode.note_large(name)

        return self._decode(data)

    async def _batch(
        self,
        operation: str,
        keys: list[str],
        make: Callable[[str], Request],
        take: Callable[[str, Any], None],
        check: Callable[[str], Any] = check_key,
    ) -> None:
        """Check all keys, then run a request for each."""
        self._check(operation)
        expires = expiry(self._deadline)
        steps = Steps(operation, keys, self._check, expires)

        while part := await steps.next("not_applied"):
            for key in part:
                check(key)

        steps.rewind()
        await run_batch(self._mode, operation, steps, keys, expires, make, take)

    def _describe(self) -> str:
        return f"RedisCache {self._options.where}"

    def _begin(self) -> None:
        changed = None if self._near is None else self._near.changed
        self._mode: Mode = make_mode(self._options, self._deadline or 5.0, changed)
        # As an attribute of its own: the usual get is little more than this.
        self._send = self._mode.send

    async def _open(self) -> None:
        self._begin()
        await self._mode.open()

        if self._near is not None:
            await self._near.open()
            self._tasks.start(self._near.watch(self._mode.beat), "near cache")

    async def _close(self) -> None:
        # While there are links, and time to use them: a lease that stays holds up others.
        await self._flights.land(0.8 * self._close_within)
        # One turn for a lease that is given back.
        await asyncio.sleep(0)
        await self._mode.drain()

        if self._near is not None:
            await self._near.close()

    def _abort(self) -> None:
        for task in self._flights.tasks:
            task.cancel()

        self._tasks.stop()
        self._mode.close()

    def _abandon(self) -> None:
        self._flights, self._looking = Flights(), set()
        self._tasks = Tasks("RedisCache")
        self._mode.abandon()
