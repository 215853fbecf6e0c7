"""For how long does a memory cache with a million live keys hold the event loop?

Nobody is timed: a beacon looks for the longest stall while the cache grows to a million keys, is
scanned, swept of the half that has expired, and pushed over its limits. The garbage collector
is switched off: its pauses grow with the heap, and are the interpreter's.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from infrastructure.caching.memory import MemoryCache
from infrastructure.testing.clock import FakeClock

from ._question import OURS, Contender, Question, Work

__all__ = ["QUESTIONS"]

_KEYS = 1_000_000
_TTL = 60
_MORE = {f"more:{number}": "x" for number in range(_KEYS // 10)}

# Seconds for each step, of the clock that the sweep goes by too: it takes a step every 50 ms.
_PATIENCE = 600


class Filled:
    """A cache and its clock; each reset begins with a new one."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.cache = MemoryCache(max_entries=_KEYS, clock=self.clock, deadline=_PATIENCE)

    async def grow(self) -> None:
        """Store a million keys; every second one expires."""
        for number in range(_KEYS):
            await self.cache.set(f"key:{number}", number, _TTL if number % 2 else None)

            # The caller's own loop would hold everybody up otherwise.
            if not number % 100:
                await asyncio.sleep(0)

    async def scan(self) -> None:
        """Find a tenth of the keys."""
        found = await self.cache.scan_keys("*9")
        assert len(found) == _KEYS // 10

    async def sweep(self) -> None:
        """Let the expired half go."""
        for _ in range(_PATIENCE):
            await self.clock.advance(1)

            if self.cache.stats.entries == _KEYS // 2:
                return

        raise AssertionError(self.cache.stats)

    async def evict(self) -> None:
        """Push out a tenth of the keys by as many new ones."""
        await self.cache.set_many(_MORE)


def _question(name: str, asks: str, step: Callable[[Filled], Awaitable[None]]) -> Question:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        filled = Filled()

        async def reset() -> None:
            nonlocal filled
            await filled.cache.disconnect()
            filled = Filled()
            gc.collect()
            await filled.cache.connect()

            if step is not Filled.grow:
                await filled.grow()

        async def run(_: int) -> None:
            await step(filled)

        gc.disable()

        try:
            yield Work(run=run, reset=reset)
        finally:
            gc.enable()
            await filled.cache.disconnect()

    ours = Contender(name=OURS, open=opened)
    return Question(
        name=f"cache-million-{name}", asks=asks, contenders=(ours,), operations=1, passes=1
    )


QUESTIONS = (
    _question("grow", "MemoryCache grows to a million keys", Filled.grow),
    _question("scan", "MemoryCache.scan_keys over a million keys", Filled.scan),
    _question("sweep", "MemoryCache drops half a million expired keys", Filled.sweep),
    _question("evict", "MemoryCache.set_many of 100,000 keys beyond max_entries", Filled.evict),
)
