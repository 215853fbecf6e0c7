"""The cache on Redis and Valkey: one server, a Cluster, or a primary behind sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from threading import get_ident
from typing import Any, ClassVar, Literal

from ..._core.codec import Codec
from ..._core.deadline import expiry, open_instant
from ..._core.glob import compile_pattern
from ..._core.lifecycle import Lifecycle
from ..._core.names import check_key, check_ttl
from ..._core.tasks import Tasks
from ...interfaces._flights import Flights
from ...interfaces._several import mapped, several
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import OperationError
from ._batches import Batches
from ._calls import Calls, unreadable
from ._commands import LARGE, Commands
from ._making import Maker
from ._modes import make_mode
from ._near import Near
from ._near_read import read_near
from ._near_store import make_near
from ._options import DEFAULTS, read_options
from ._pattern import server_pattern
from ._scan import scan_keys
from ._signals import Signal
from .stats import NearStats

__all__ = ["RedisCache"]

_WITH_TLS = "; does its port speak TLS? Otherwise say redis://"
_WITHOUT_TLS = "; is it the right host and port, and is the server alive?"


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
        self._advice = _WITH_TLS if options.address.tls else _WITHOUT_TLS
        self._prefix = options.prefix
        self._encode, self._decode = options.codec.encode, options.codec.decode
        self._commands = Commands(options.prefix, clustered=options.address.topology == "cluster")
        self._near: Near | None = make_near(options.prefix, options.near, options.near_entries)
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

            return await read_near(near, self._calls, self._commands, check_key(key))

        name = self._prefix + check_key(key)

        try:
            reply = await self._send(name, ("GET", name))
        except Signal as why:
            reply = await self._calls.mode.settle(self._commands.get("get", name), why)

        # The usual answers come before all others.
        if type(reply) is bytes and len(reply) < LARGE:
            try:
                return self._decode(reply)
            except OperationError as exc:
                raise unreadable("get", name, exc) from exc

        if reply is None:
            return None

        reply = await self._calls.settled(self._commands.get("get", name), reply)
        return None if reply is None else self._calls.value("get", name, reply)

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Store ``value`` under ``key``."""
        self._check("set")
        name = self._prefix + check_key(key)
        data = self._encode(value)

        if ttl is not None or len(data) >= LARGE or self._near is not None:
            await self._calls.change(key, self._commands.set("set", key, data, check_ttl(ttl)))
            return

        self._flights.supersede(key)

        try:
            reply = await self._send(name, ("SET", name, data))
        except Signal as why:
            await self._calls.mode.settle(self._commands.set("set", key, data, None), why)
            return

        if reply != b"OK":
            await self._calls.settled(self._commands.set("set", key, data, None), reply)

    async def delete(self, key: str) -> bool:
        """Remove ``key``; return ``True`` exactly when a live key was removed."""
        self._check("delete")
        return bool(await self._calls.change(key, self._commands.delete("delete", check_key(key))))

    async def exists(self, key: str) -> bool:
        """Return whether ``key`` is live."""
        self._check("exists")
        name = self._prefix + check_key(key)
        return bool(await self._calls.ask(self._commands.exists(name)))

    async def ttl(self, key: str) -> int | None:
        """Return the seconds until ``key`` expires, rounded up; ``None`` when it never does."""
        self._check("ttl")
        name = self._prefix + check_key(key)
        left = await self._calls.ask(self._commands.left("ttl", name))
        # -2 is a missing key, -1 one without expiry; one that has less than 1 ms is live still.
        return None if left < 0 else max(1, -(-left // 1000))

    async def scan_keys(self, pattern: str) -> list[str]:
        """Return every live key that matches ``pattern``, of all primaries."""
        self._check("scan_keys")
        matches = compile_pattern(pattern)
        match = server_pattern(self._prefix, pattern)
        return await scan_keys(self._calls.mode, match, self._prefix, matches)

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those ``keys`` that are there."""
        return await self._batches.get(several(keys, "keys"))

    async def set_many(self, mapping: Mapping[str, Any], ttl: int | None = None) -> None:
        """Store every value of ``mapping``; nothing is stored when one of them is not valid."""
        values = dict(mapped(mapping, "keys"))
        await self._batches.set(values, check_ttl(ttl), self._encode)

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Remove ``keys``; return how many live ones were removed."""
        return await self._batches.delete(several(keys, "keys"))

    async def get_or_set(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: int | None = None
    ) -> Any:
        """Return the value of ``key``; where it is missing, make it by ``factory`` and store it.

        One call of the factory over all processes while its holder renews its lease; each
        caller gets a copy of its own.
        """
        self._check("get_or_set")
        check_ttl(ttl)
        expires = expiry(self._deadline)
        check_key(key)

        if (near := self._near) is not None:
            value = near.find(key)

            if value is None:
                value = await read_near(near, self._calls, self._commands, key, "get_or_set")

            if value is not None:
                return value

        return await self._maker.get(key, factory, ttl, expires)

    def _describe(self) -> str:
        return f"RedisCache {self._options.where}"

    def _begin(self) -> None:
        """Make what belongs to one connection, from ``connect`` to ``disconnect``."""
        options, near = self._options, self._near
        mode = make_mode(options, self._deadline or 5.0, None if near is None else near.changed)
        self._flights = Flights()
        self._tasks = Tasks("RedisCache")
        calls = Calls(mode, near, self._flights, self._decode)
        self._calls = calls
        self._batches = Batches(calls, self._commands, self._check, self._deadline)
        self._maker = Maker(calls, self._commands, self._tasks, self._encode, options.lease)
        # As an attribute of its own: the usual get is little more than this.
        self._send = mode.send

    async def _open(self) -> None:
        self._begin()
        await self._calls.mode.open()

        if self._near is not None:
            await self._near.open()
            self._tasks.start(self._near.watch(self._calls.mode.beat), "near cache")

    async def _close(self) -> None:
        # While there are links, and time to use them: a lease that stays holds up others.
        await self._flights.land(0.8 * self._close_within)
        # One turn for a lease that is given back.
        await asyncio.sleep(0)
        await self._calls.mode.drain()

        if self._near is not None:
            await self._near.close()

    def _abort(self) -> None:
        for task in self._flights.tasks:
            task.cancel()

        self._tasks.stop()
        self._calls.mode.close()

    def _abandon(self) -> None:
        self._calls.mode.abandon()
