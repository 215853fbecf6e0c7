"""The cache in memory: nothing to install, the promises of the contract, bounded."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

from ..._core.clock import SYSTEM_CLOCK, Clock
from ..._core.deadline import expiry
from ..._core.frozen import Frozen
from ..._core.glob import compile_pattern
from ..._core.lifecycle import Lifecycle
from ..._core.names import check_key, check_ttl
from ...interfaces._flights import Flight
from ...interfaces._several import mapped, several
from ...interfaces.caching import CachingInterface
from .._steps import Steps
from ._options import read_options
from ._scan import scan
from ._shared import shared_by
from ._store import NEVER, Entry
from .stats import CacheStats

__all__ = ["MemoryCache"]

# Seconds; more than floating point loses, less than anybody sees.
_ROUNDING = 1e-6


class MemoryCache(Lifecycle, CachingInterface):
    """A cache in the memory of this process.

    ``memory://`` is private to its instance, ``memory://name`` shared by all instances of
    that name, within one event loop at a time. The entries live as long as an instance
    does, over ``disconnect`` and ``connect``. ``max_entries`` and ``max_bytes`` (keys,
    values and book-keeping) bound it, ``None`` for no limit; the least recently used entry
    goes first: exactly up to 8,192 entries, by a sample of 16 beyond. Every keyword option
    but ``clock`` may stand in the URL: ``memory://?max_entries=1000``.
    """

    _default_deadline: ClassVar[float | None] = 5.0

    def __init__(
        self,
        url: str = "memory://",
        *,
        deadline: float | None = None,
        max_entries: int | None = 1_000_000,
        max_bytes: int | None = 512 * 2**20,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        given = {"deadline": deadline, "max_entries": max_entries, "max_bytes": max_bytes}
        options = read_options(url, given)
        super().__init__(deadline=options.deadline)
        self._shared = shared_by(options, clock, SYSTEM_CLOCK)
        self._name = options.name
        self._store = self._shared.store
        # As attributes of its own: the usual get is little more than these.
        self._use = self._store.use
        self._now = self._shared.clock.monotonic

    @property
    def stats(self) -> CacheStats:
        """What the cache holds and did, all instances of its name together."""
        store = self._store
        return CacheStats(
            entries=store.entries,
            bytes=store.bytes,
            hits=store.hits,
            misses=store.misses,
            evictions=store.evictions,
        )

    async def get(self, key: str) -> Any | None:
        """Return the value of ``key``, or ``None`` when there is none."""
        self._check("get")
        entry = self._use(key)

        if entry is None:
            return None

        # As entry.thaw, written out.
        kept = entry.kept
        return kept.thaw() if isinstance(kept, Frozen) else kept

    async def set(self, key: str, value: Any, ttl: int | None = None) -> None:
        """Store ``value`` under ``key``; more than ``max_bytes`` is an ``OperationError``."""
        self._check("set")
        entry = self._store.freeze(check_key(key), value)
        self._put(key, entry, check_ttl(ttl))

        while self._store.is_over:
            await self._evict()

    async def delete(self, key: str) -> bool:
        """Remove ``key``; return ``True`` exactly when a live key was removed."""
        self._check("delete")
        return self._remove(check_key(key))

    async def exists(self, key: str) -> bool:
        """Return whether ``key`` is live; it does not count as a use."""
        self._check("exists")
        return self._store.find(check_key(key)) is not None

    async def ttl(self, key: str) -> int | None:
        """Return the seconds until ``key`` expires, rounded up; ``None`` when it never does."""
        self._check("ttl")
        entry = self._store.find(check_key(key))

        if entry is None or entry.expires == NEVER:
            return None

        # Adding and taking off the clock's time again may leave a little more than was put in.
        return max(1, math.ceil(entry.expires - self._now() - _ROUNDING))

    async def scan_keys(self, pattern: str) -> list[str]:
        """Return every live key that matches ``pattern``; other tasks run meanwhile."""
        self._check("scan_keys")
        matches = compile_pattern(pattern)
        return await scan(self._store, matches, lambda: self._check("scan_keys"))

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those ``keys`` that are there."""
        steps = await self._checked("get_many", list(several(keys, "keys")))
        found: dict[str, Any] = {}

        while part := await steps.next():
            for key in part:
                if (entry := self._store.use(key)) is not None:
                    found[key] = entry.thaw()

        return found

    async def set_many(self, mapping: Mapping[str, Any], ttl: int | None = None) -> None:
        """Store every value of ``mapping``; nothing is stored when one of them is not valid."""
        check_ttl(ttl)
        values = dict(mapped(mapping, "keys"))
        steps = await self._checked("set_many", list(values))
        frozen: deque[Entry] = deque()

        while part := await steps.next("not_applied"):
            frozen.extend(self._store.freeze(key, values[key]) for key in part)

        steps.rewind()

        while part := await steps.next():
            for key in part:
                self._put(key, frozen.popleft(), ttl)

            while self._store.is_over:
                await self._evict()

    async def delete_many(self, keys: Iterable[str]) -> int:
        """Remove ``keys``; return how many live ones were removed."""
        steps = await self._checked("delete_many", list(several(keys, "keys")))
        removed = 0

        while part := await steps.next():
            removed += sum(map(self._remove, part))

        return removed

    async def get_or_set(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: int | None = None
    ) -> Any:
        """Return the value of ``key``; where it is missing, make it by ``factory`` and store it.

        One call of the factory over all instances of a name; each caller gets a copy of its own.
        """
        self._check("get_or_set")
        check_ttl(ttl)
        entry = self._store.use(key)

        if entry is None:
            make = partial(self._make, key, factory, ttl)
            entry = await self._shared.flights.run(key, make, expiry(self._deadline))

        return entry.thaw()

    async def _make(
        self, key: str, factory: Callable[[], Awaitable[Any]], ttl: int | None, flight: Flight
    ) -> Entry:
        # Another flight may have landed between the look and this one.
        if (entry := self._store.find(key)) is not None:
            return entry

        entry = self._store.freeze(key, await factory())

        if not flight.superseded:
            self._store_or_drop(key, entry, ttl)

            while self._store.is_over:
                await self._evict()

        return entry

    def _put(self, key: str, entry: Entry, ttl: int | None) -> None:
        self._shared.flights.supersede(key)
        self._store_or_drop(key, entry, ttl)

    def _store_or_drop(self, key: str, entry: Entry, ttl: int | None) -> None:
        if ttl is None:
            self._store.put(key, entry, NEVER)
        elif ttl:
            self._store.put(key, entry, self._now() + ttl)
        else:
            self._store.drop(key)

    def _remove(self, key: str) -> bool:
        self._shared.flights.supersede(key)
        entry = self._store.drop(key)
        return entry is not None and entry.expires > self._now()

    async def _evict(self) -> None:
        self._store.evict()

        # One large value may push out a hundred thousand small ones.
        if self._store.is_over:
            await asyncio.sleep(0)

    async def _checked(self, operation: str, keys: list[str]) -> Steps:
        """Return the steps of a batch all of whose keys are legal."""
        self._check(operation)
        steps = Steps(operation, keys, self._check, expiry(self._deadline))

        while part := await steps.next("not_applied"):
            for key in part:
                check_key(key)

        steps.rewind()
        return steps

    def _describe(self) -> str:
        return f"MemoryCache memory://{self._name}"

    async def _open(self) -> None:
        self._shared.join(self)

    async def _close(self) -> None:
        await self._shared.finish(self)

    def _abort(self) -> None:
        self._shared.leave(self)

    def _abandon(self) -> None:
        self._shared.abandon(self)
