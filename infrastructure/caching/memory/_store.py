"""Where a memory cache keeps its entries: sharded, bounded, least recently used out first."""

from __future__ import annotations

import math
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..._core.frozen import Frozen, freeze, size_in_memory
from ..._core.names import check_key
from ...interfaces.exceptions import OperationError

__all__ = ["NEVER", "Entry", "Store", "nothing"]

NEVER = math.inf
"""The instant at which an entry without a time to live expires."""

# What an entry costs beside its key and value: the object, its node and its place in a dict.
_OVERHEAD = 300

# Up to so many keys one OrderedDict holds them all; a larger one grows in too long a step.
_ONE_SHARD = 8192
_PER_SHARD = 1024
_UNBOUNDED_SHARDS = 1024

# Heads that are compared to find an entry to evict, and entries evicted in one go (about 1 ms).
_SAMPLE = 16
_EVICT_AT_ONCE = 256


class Entry:
    """A value, out of everybody's reach, and what is known of it."""

    __slots__ = ("expires", "kept", "size", "used")

    def __init__(self, kept: Any, size: int) -> None:
        self.kept = kept
        self.size = size
        self.expires = NEVER
        self.used = 0

    def thaw(self) -> Any:
        """Return the value, as a copy of the caller's own."""
        kept = self.kept
        return kept.thaw() if isinstance(kept, Frozen) else kept


class Store:
    """The entries of all caches of one name; nothing here waits."""

    def __init__(
        self, max_entries: int | None, max_bytes: int | None, now: Callable[[], float]
    ) -> None:
        self.max_entries = sys.maxsize if max_entries is None else max_entries
        self.max_bytes = sys.maxsize if max_bytes is None else max_bytes
        self.shards: list[OrderedDict[str, Entry]] = [
            OrderedDict() for _ in range(_shard_count(max_entries))
        ]
        self.mask = len(self.shards) - 1
        self._now = now
        self.entries = self.bytes = 0
        self.misses = self.evictions = 0
        # Rises with every hit and every put: heads of different shards are compared by it.
        self.tick = 0
        self._puts = 0
        # No entry expires before it; who stores one that does calls on_sooner.
        self.soonest = NEVER
        self.on_sooner: Callable[[], None] = nothing
        self._turn = 0

    def find(self, key: str) -> Entry | None:
        """Return the live entry of ``key``; an expired one is dropped."""
        entry = self.shards[hash(key) & self.mask].get(key)

        # Most entries have no expiry: the clock is not asked for those.
        if entry is not None and entry.expires != NEVER and entry.expires <= self._now():
            self.drop(key)
            return None

        return entry

    def use(self, key: str) -> Entry | None:
        """Return the live entry of ``key``, which is checked, and make it the last used one."""
        # As find, written out: this is the way that counts. A str that is found needs no check
        # of its own, only legal keys were stored.
        if type(key) is not str:
            check_key(key)

        shard = self.shards[hash(key) & self.mask]
        entry = shard.get(key)

        if entry is None or (entry.expires != NEVER and entry.expires <= self._now()):
            self.drop(check_key(key))
            self.misses += 1
            return None

        self.tick = entry.used = self.tick + 1
        shard.move_to_end(key)
        return entry

    def freeze(self, key: str, value: Any) -> Entry:
        """Return an entry of ``value``, checked, out of reach of whoever holds the value."""
        kept = freeze(value)
        size: int = _OVERHEAD + key.__sizeof__() + size_in_memory(kept)

        if size > self.max_bytes:
            msg = (
                f"the value takes {size} bytes in memory; the whole cache has "
                f"max_bytes={self.max_bytes}"
            )
            raise OperationError(msg, outcome="not_applied")

        return Entry(kept, size)

    def put(self, key: str, entry: Entry, expires: float) -> None:
        """Store ``entry`` as the last used one; ``evict`` is the caller's next step."""
        shard = self.shards[hash(key) & self.mask]
        old = shard.get(key)

        if old is None and type(key) is not str:
            # A subclass would come out of scan_keys; str() would be its own idea of a text.
            key = str.__str__(key)

        shard[key] = entry
        self.tick = entry.used = self.tick + 1
        self._puts += 1
        entry.expires = expires

        if old is None:
            self.entries += 1
            self.bytes += entry.size
        else:
            self.bytes += entry.size - old.size
            shard.move_to_end(key)

        if expires < self.soonest:
            self.soonest = expires
            self.on_sooner()

    def drop(self, key: str) -> Entry | None:
        """Remove ``key``; return what was there, expired or not."""
        entry = self.shards[hash(key) & self.mask].pop(key, None)

        if entry is not None:
            self.entries -= 1
            self.bytes -= entry.size

        return entry

    @property
    def hits(self) -> int:
        """How often ``use`` found something; the tick counts it, so that ``use`` need not."""
        return self.tick - self._puts

    @property
    def is_over(self) -> bool:
        """Whether there are more entries or bytes than allowed."""
        return self.entries > self.max_entries or self.bytes > self.max_bytes

    def evict(self) -> None:
        """Remove entries until there are few enough, but not more than take a millisecond."""
        for _ in range(_EVICT_AT_ONCE):
            if not self.is_over:
                return

            _, entry = self._oldest().popitem(last=False)
            self.entries -= 1
            self.bytes -= entry.size
            self.evictions += 1

    def _oldest(self) -> OrderedDict[str, Entry]:
        """Return the shard with the least recently used head among the next that have one."""
        if not self.mask:
            return self.shards[0]

        heads: list[tuple[int, int]] = []

        for _ in self.shards:
            self._turn = (self._turn + 1) & self.mask

            if shard := self.shards[self._turn]:
                heads.append((next(iter(shard.values())).used, self._turn))

            if len(heads) == _SAMPLE:
                break

        return self.shards[min(heads)[1]]


def _shard_count(max_entries: int | None) -> int:
    """Return a power of two."""
    if max_entries is None:
        return _UNBOUNDED_SHARDS

    if max_entries <= _ONE_SHARD:
        return 1

    return 1 << (max_entries // _PER_SHARD - 1).bit_length()


def nothing() -> None:
    """Nobody is connected: no sweep to wake."""
