"""The memory cache keeps every promise of a cache, in a few shards and in many."""

from __future__ import annotations

from typing import Any

from infrastructure.caching.memory import MemoryCache
from infrastructure.conformance.harnesses.memory import MemoryCacheHarness
from infrastructure.conformance.pytest import conformance


class ManyShards(MemoryCacheHarness):
    """The same without limits: a thousand shards."""

    def make(self, **options: Any) -> MemoryCache:
        return super().make(max_entries=None, max_bytes=None, **options)


test_memory_cache = conformance(MemoryCacheHarness)
test_many_shards = conformance(ManyShards)
