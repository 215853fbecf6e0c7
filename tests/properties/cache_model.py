"""What a cache should hold: a dict with instants of expiry, and a clock of quarter seconds."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

__all__ = ["MISS", "CacheModel", "spoil"]

MISS: Any = object()
"""What ``CacheModel.look`` returns where there is no live key."""


class CacheModel:
    """The contract as the plainest program that keeps it; ``hits`` and ``misses`` as in stats."""

    def __init__(self) -> None:
        self.now = Fraction(0)
        self.hits = 0
        self.misses = 0
        self._entries: dict[str, tuple[Any, Fraction | None]] = {}

    def _entries_since(self, since: Fraction) -> dict[str, tuple[Any, Fraction | None]]:
        return {
            key: (value, expires)
            for key, (value, expires) in self._entries.items()
            if expires is None or expires > since
        }

    def live(self, expired: Fraction | int = 0) -> list[str]:
        """Return the live keys, and those that expired in the last so many seconds."""
        return list(self._entries_since(self.now - expired))

    def look(self, key: str) -> Any:
        """Return the value of a live key, or ``MISS``."""
        value, _ = self._entries_since(self.now).get(key, (MISS, None))
        return value

    def use(self, key: str) -> Any:
        """Look, and count it as a hit or a miss."""
        value = self.look(key)
        self.hits += value is not MISS
        self.misses += value is MISS
        return value

    def put(self, key: str, value: Any, ttl: int | None) -> None:
        """Store; a time to live of 0 removes."""
        self._entries.pop(key, None)

        if ttl != 0:
            self._entries[str(key)] = (value, None if ttl is None else self.now + ttl)

    def drop(self, key: str) -> bool:
        """Remove; return whether it was live."""
        was_live = self.look(key) is not MISS
        self._entries.pop(key, None)
        return was_live

    def ttl(self, key: str) -> int | None:
        """Return the seconds left, rounded up."""
        _, expires = self._entries_since(self.now).get(key, (MISS, None))
        return None if expires is None else math.ceil(expires - self.now)


def spoil(value: Any) -> None:
    """Empty every part of ``value`` that can be changed, as whoever holds it may."""
    inner: list[Any] = []

    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, (list, tuple, set, frozenset)):
        inner = list(value)

    if isinstance(value, (dict, list, set)):
        value.clear()

    for each in inner:
        spoil(each)
