"""What a memory cache tells of itself."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CacheStats"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheStats:
    """What a memory cache holds and did; expired entries that are not yet swept count too."""

    entries: int
    bytes: int
    hits: int
    misses: int
    evictions: int
