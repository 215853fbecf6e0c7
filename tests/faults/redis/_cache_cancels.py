"""Calls of a cache with unique values, to be cancelled at random moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure.caching.redis import RedisCache

from .._cancels import Cancels

__all__ = ["CacheCancels"]

KEYS = 100


class CacheCancels(Cancels):
    """Each call is one for a key among a hundred."""

    def __init__(self, cache: RedisCache, rng: random.Random) -> None:
        super().__init__(rng)
        self._cache = cache
        calls = [
            self._get, self._get, self._get_many, self._set, self._set, self._replace, self._loop,
            self._large, self._get_or_set,
        ]  # fmt: skip
        self.operations = [self._for_a_key(call) for call in calls]

    @staticmethod
    def _for_a_key(
        call: Callable[[str, str], Awaitable[None]],
    ) -> Callable[[int], Awaitable[None]]:
        def operation(number: int) -> Awaitable[None]:
            key = f"key {number % KEYS}"
            return call(key, f"{key}/{number}")

        return operation

    def check(self, key: str, value: Any) -> None:
        """Count what is not a value of ``key``."""
        if value is not None and not value.startswith(f"{key}/"):
            self.counts["foreign"] += 1

    async def _get(self, key: str, _value: str) -> None:
        self.check(key, await self._cache.get(key))

    async def _get_many(self, key: str, _value: str) -> None:
        found = await self._cache.get_many([key, *(f"key {n}" for n in range(10))])

        for name, value in found.items():
            self.check(name, value)

    async def _set(self, key: str, value: str) -> None:
        await self._cache.set(key, value)

    async def _replace(self, key: str, value: str) -> None:
        await self._cache.delete(key)
        await self._cache.set(key, value, ttl=60)

    async def _loop(self, key: str, _value: str) -> None:
        while True:
            await self._get(key, "")

    async def _large(self, key: str, value: str) -> None:
        await self._cache.set(f"large {key}", f"large {key}/{value * 10_000}")
        self.check(f"large {key}", await self._cache.get(f"large {key}"))

    async def _get_or_set(self, key: str, value: str) -> None:
        async def factory() -> str:
            await asyncio.sleep(0)
            return value

        self.check(key, await self._cache.get_or_set(key, factory))
