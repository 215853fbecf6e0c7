"""The memory cache keeps every promise of a cache, private and shared by a name."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import CachingHarness
from infrastructure.conformance.caching import CHECKS
from infrastructure.testing.clock import FakeClock


class MemoryCacheHarness(CachingHarness):
    """A name of its own for each check, and a clock that need not be waited for."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.url = f"memory://{uuid.uuid4().hex}"
        # Entries live as long as an instance does: this one holds them from instance to instance.
        self.holder = self.make()

    def make(self, **options: Any) -> MemoryCache:
        return MemoryCache(self.url, clock=self.clock, **options)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)


class ManyShards(MemoryCacheHarness):
    """The same without limits: a thousand shards."""

    def make(self, **options: Any) -> MemoryCache:
        return super().make(max_entries=None, max_bytes=None, **options)


@pytest.mark.parametrize("harness", [MemoryCacheHarness, ManyShards], ids=lambda one: one.__name__)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
async def test_memory_cache(check: Check, harness: type[MemoryCacheHarness]) -> None:
    await check.run(harness())
