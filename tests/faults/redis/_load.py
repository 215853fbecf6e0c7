"""Callers that write and read all the time, and remember what they were told."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import InfrastructureError

__all__ = ["Load"]

_PAUSE = 0.002


class Load:
    """``async with Load(cache):`` keeps so many ``writers`` busy, each on keys of its own.

    ``acknowledged``  the keys that were stored, with the instant before the call.
    ``errors``        what the calls raised.
    ``foreign``       reads that gave anything but the value of their key, or a miss.
    """

    def __init__(self, cache: RedisCache, writers: int = 8) -> None:
        self.acknowledged: dict[str, float] = {}
        self.errors: list[InfrastructureError] = []
        self.foreign: list[tuple[str, object]] = []
        self._cache = cache
        self._writers = writers
        self._stopped = False
        self._tasks: list[asyncio.Task[None]] = []
        self._told: asyncio.Event = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(self._writers)]
        await self.some()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopped = True
        await asyncio.gather(*self._tasks)

    async def some(self, count: int = 50, within: float = 10.0) -> float:
        """Return when so many further writes, begun from now on, were acknowledged: the seconds."""
        began, watch = time.monotonic(), Stopwatch()

        async with asyncio.timeout(within):
            while sum(at >= began for at in self.acknowledged.values()) < count:
                self._told.clear()
                await self._told.wait()

        return watch.taken

    def since(self, instant: float) -> set[str]:
        """Return the keys whose writes began after the instant and were acknowledged."""
        return {key for key, at in self.acknowledged.items() if at >= instant}

    async def missing(self, keys: set[str]) -> set[str]:
        """Return those keys that the cache does not have."""
        found = await self._cache.get_many(keys)
        assert all(found[key] == key for key in found)
        return keys - set(found)

    async def _write(self, writer: int) -> None:
        number = 0

        while not self._stopped:
            number += 1
            await self._once(f"{writer}:{number}")
            await asyncio.sleep(_PAUSE)

    async def _once(self, key: str) -> None:
        began = time.monotonic()

        try:
            await self._cache.set(key, key)
            self.acknowledged[key] = began
            self._told.set()

            if (found := await self._cache.get(key)) not in (key, None):
                self.foreign.append((key, found))
        except InfrastructureError as exc:
            self.errors.append(exc)
