"""Writes versions of keys, one writer for each, and knows which of them a read may show."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial

from infrastructure import ConnectionError, InfrastructureError, TimeoutError
from infrastructure.caching.redis import RedisCache

from .._outcomes import ended

__all__ = ["Histories", "History"]


class History:
    """What was written to ``key``.

    Its value is the last version that was acknowledged, or any of unknown outcome: such a one
    may still be on its way. Nothing else, above all no older one, and no other key's.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.newest = 0
        self.acknowledged: int | None = None
        self.unknown: set[int] = set()

    def may_show(self, value: object) -> bool:
        """Whether a read that began after the last write had ended may give this."""
        if value is None:
            return self.acknowledged is None

        name, _, version = str(value).partition("/")
        return name == self.key and int(version) in {self.acknowledged, *self.unknown}

    def note(self, end: object) -> None:
        """Hear how the newest write ended."""
        if not isinstance(end, InfrastructureError):
            self.acknowledged = self.newest
        elif end.outcome == "unknown":
            self.unknown.add(self.newest)


class Histories:
    """Tasks that write and read ``cache``, each its own keys; ``wrong`` lists what must not be."""

    def __init__(self, cache: RedisCache, rng: random.Random, deadline: float) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._cache, self._rng, self._deadline = cache, rng, deadline
        self._running = True
        self._histories = [History(f"key {n}") for n in range(30)]

    async def run(self) -> None:
        """Go on until ``stop``."""
        await asyncio.gather(*map(self._work, self._histories))

    def stop(self) -> None:
        """Let each task end with what it is at."""
        self._running = False

    async def _work(self, history: History) -> None:
        while self._running:
            await self._write(history)
            await self.read(history)

    async def _write(self, history: History) -> None:
        history.newest += 1
        value = f"{history.key}/{history.newest}"
        ttl = self._rng.choice((None, None, 600))
        end = await self._ended(partial(self._cache.set, history.key, value, ttl))
        self.counts["writes"] += 1
        history.note(end)

    async def read(self, history: History) -> None:
        """Read, and look whether it may be so."""
        end = await self._ended(partial(self._cache.get, history.key))
        self.counts["reads"] += 1

        if not isinstance(end, InfrastructureError) and not history.may_show(end):
            self.wrong.append(f"{history.key} is {end!r}: {vars(history)}")

    async def _ended(self, call) -> object:
        end = await ended(call, self._deadline)

        if isinstance(end, InfrastructureError):
            self.counts[f"{type(end).__name__}, {end.outcome}"] += 1

            if type(end) not in (ConnectionError, TimeoutError):
                self.wrong.append(repr(end))

        return end

    async def check(self) -> None:
        """Read all keys once more, which must succeed."""
        before = self.counts["reads"]
        errors = self.counts.total() - before
        await asyncio.gather(*map(self.read, self._histories))
        assert self.counts.total() - self.counts["reads"] == errors, self.counts
