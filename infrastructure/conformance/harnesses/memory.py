"""Harnesses of the cache and the messaging in process memory."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from ...caching.memory import MemoryCache
from ...messaging.memory import MemoryMessaging
from ...testing.clock import FakeClock
from .._harness import CachingHarness, MessagingHarness
from ._urls import renamed, without

__all__ = ["MemoryCacheHarness", "MemoryMessagingHarness"]


class MemoryCacheHarness(CachingHarness):
    """A name of its own for each check, and a clock that need not be waited for."""

    def __init__(self, url: str = "memory://") -> None:
        self._clock = FakeClock()
        self._url = renamed(url, uuid4().hex)
        # Entries live as long as an instance does: this one holds them from instance to instance.
        self._holder = self.make()

    def make(self, **options: Any) -> MemoryCache:
        """Return a cache of this check's name."""
        return MemoryCache(without(self._url, options), clock=self._clock, **options)

    async def advance(self, seconds: float) -> None:
        """Move the clock."""
        await self._clock.advance(seconds)


class MemoryMessagingHarness(MessagingHarness):
    """A broker of its own for each check."""

    missing: Mapping[str, str] = MappingProxyType(
        {"durable": "messages live in this process; retain= keeps some"}
    )

    def __init__(self, url: str = "memory://") -> None:
        self._url = renamed(url, uuid4().hex)

    def make(self, **options: Any) -> MemoryMessaging:
        """Return a messaging of this check's broker."""
        return MemoryMessaging(without(self._url, options), **options)
