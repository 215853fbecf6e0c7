"""Operations with unique values that are cancelled at random moments, in every way that there is."""

from __future__ import annotations

import asyncio
import builtins
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure.caching.redis import RedisCache

__all__ = ["Cancels"]

KEYS = 100


class Cancels:
    """Runs and cancels operations on ``cache``; ``counts`` tells what came of them.

    ``foreign``  answers that belong to another key.
    ``lost``     cancellations that were delivered and did not come out.
    """

    def __init__(self, cache: RedisCache, rng: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self._cache = cache
        self._rng = rng
        self._number = 0
        self._operations = [
            self._get, self._get, self._get_many, self._set, self._set, self._replace, self._loop,
            self._large, self._get_or_set,
        ]  # fmt: skip
        self._ways = [self._once, self._twice, self._levelly, self._by_timeout, self._by_group]

    async def run(self, count: int, workers: int = 50) -> None:
        """Cancel ``count`` operations, some dozens at a time."""
        await asyncio.gather(*(self._work(count // workers) for _ in range(workers)))

    async def _work(self, count: int) -> None:
        for _ in range(count):
            number = self._number = self._number + 1
            key = f"key {number % KEYS}"
            operation, way = self._rng.choice(self._operations), self._rng.choice(self._ways)
            self.counts["operations"] += 1
            await way(lambda: operation(key, f"{key}/{number}"))  # noqa: B023 - it has ended by then

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

    async def _moment(self) -> None:
        """Wait for some turns of the loop, mostly few: there is little time before an answer."""
        for _ in range(self._rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 20))):
            await asyncio.sleep(0)

    async def _once(self, operation: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(operation())
        await self._moment()
        self._ended(task, task.cancel(), await asyncio.wait({task}, timeout=2))

    async def _twice(self, operation: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(operation())
        await self._moment()
        told = task.cancel()
        await asyncio.sleep(0)
        told = task.cancel() or told
        self._ended(task, told, await asyncio.wait({task}, timeout=2))

    async def _levelly(self, operation: Callable[[], Awaitable[None]]) -> None:
        """Cancel again in every turn until it has ended, as the scopes of anyio do."""
        task = asyncio.ensure_future(operation())
        await self._moment()
        told = False

        for _ in range(10_000):
            if not task.cancel():
                break

            told = True
            await asyncio.sleep(0)

        self._ended(task, told, await asyncio.wait({task}, timeout=2))

    def _ended(self, task: asyncio.Task[None], told: bool, waited: Any) -> None:
        self.counts["cancelled"] += told

        if waited[1] or (told and not task.cancelled()):
            self.counts["lost"] += 1
        elif not task.cancelled():
            task.result()

    async def _by_timeout(self, operation: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._rng.uniform(0, 0.003)) as timeout:
                await operation()
        except builtins.TimeoutError:
            self.counts["cancelled"] += 1
        else:
            self.counts["lost"] += timeout.expired()

    async def _by_group(self, operation: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(operation())
                await self._moment()
                raise ZeroDivisionError
        except* ZeroDivisionError:
            self.counts["cancelled"] += task.cancelled()
