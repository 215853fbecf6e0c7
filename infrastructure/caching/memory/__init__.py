"""The cache of one process: no server, the same promises."""

from __future__ import annotations

from .cache import MemoryCache
from .stats import CacheStats

__all__ = ["CacheStats", "MemoryCache"]
