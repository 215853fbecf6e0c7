"""Operations with unique values that are cancelled at random moments, in every way that there is."""

from __future__ import annotations

import asyncio
import builtins
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["Cancels", "Operation"]

_HANGS = 30.0
"""Seconds after which one that was cancelled has not ended: to clean up may take it some."""

Operation = Callable[[int], Awaitable[None]]
"""Does something with what belongs to a number, and sees whether it gets its own."""


class Cancels:
    """Runs and cancels ``operations``; ``counts`` tells what came of them.

    ``foreign``  answers that belong to somebody else.
    ``lost``     cancellations that were delivered and did not come out.

    ``longest``  how many seconds an operation takes that is not cancelled.
    """

    def __init__(self, rng: random.Random, longest: float = 0.0) -> None:
        self.counts: Counter[str] = Counter()
        self.operations: list[Operation] = []
        self._rng = rng
        self._longest = longest
        self._number = 0
        self._ways = [self._once, self._twice, self._levelly, self._by_timeout, self._by_group]

    async def run(self, count: int, workers: int = 50) -> None:
        """Cancel ``count`` operations, some dozens at a time."""
        await asyncio.gather(*(self._work(count // workers) for _ in range(workers)))

    async def _work(self, count: int) -> None:
        for _ in range(count):
            number = self._number = self._number + 1
            operation, way = self._rng.choice(self.operations), self._rng.choice(self._ways)
            self.counts["operations"] += 1
            await way(lambda: operation(number))  # noqa: B023 - it has ended by then

    async def _moment(self) -> None:
        """Wait for some turns of the loop, mostly few: there is little time before an answer."""
        if self._longest and self._rng.random() < 0.5:
            await asyncio.sleep(self._rng.uniform(0, self._longest))
            return

        for _ in range(self._rng.choice((0, 1, 1, 2, 2, 3, 3, 4, 5, 8, 20))):
            await asyncio.sleep(0)

    async def _once(self, operation: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(operation())
        await self._moment()
        self._ended(task, task.cancel(), await asyncio.wait({task}, timeout=_HANGS))

    async def _twice(self, operation: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(operation())
        await self._moment()
        told = task.cancel()
        await asyncio.sleep(0)
        told = task.cancel() or told
        self._ended(task, told, await asyncio.wait({task}, timeout=_HANGS))

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

        self._ended(task, told, await asyncio.wait({task}, timeout=_HANGS))

    def _ended(self, task: asyncio.Task[None], told: bool, waited: Any) -> None:
        self.counts["cancelled"] += told

        if waited[1] or (told and not task.cancelled()):
            self.counts["lost"] += 1
        elif not task.cancelled():
            task.result()

    async def _by_timeout(self, operation: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(self._rng.uniform(0, self._longest or 0.003)) as timeout:
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
