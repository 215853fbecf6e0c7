"""Calls that are cancelled, at moments that a seed chooses or while they wait for an answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from .._breaking import Call, under_way
from .._faults import FaultHarness

__all__ = ["AT_ONCE", "Storm", "give_up_together"]

AT_ONCE = 50
"""How many calls of a storm are under way together."""


class Storm:
    """Makes calls and cancels them at moments of its own choice.

    ``call``     is told what chooses, and the number of the call; it looks at its own answer.
    ``longest``  seconds after which a call is cancelled.
    """

    def __init__(
        self,
        faults: FaultHarness,
        call: Callable[[random.Random, int], Awaitable[Any]],
        longest: float,
    ) -> None:
        self._faults = faults
        self._call = call
        self._longest = longest
        self._dice = random.Random(faults.seed)  # noqa: S311 - it is to be repeated
        self._number = 0
        self._delay = 0.0

    async def round(self) -> None:
        """Start a number of calls, over a network that is slow every other time."""
        self._faults.proxy.delay(self._delay, "to_client")
        await asyncio.gather(*(self._one() for _ in range(AT_ONCE)))
        self._faults.proxy.delay(0.0)
        self._delay = 0.002 - self._delay

    async def _one(self) -> None:
        """Start a call and cancel it at some moment; two in ten are left alone."""
        self._number += 1
        task = under_way(partial(self._call, self._dice, self._number))

        if self._dice.random() < 0.2:
            await task
            return

        await self._some_time()
        delivered = task.cancel()
        await asyncio.wait({task})
        lost = delivered and not task.cancelled()
        seed = self._faults.seed
        assert not lost, f"a cancellation was lost, the call ended with {task!r} (seed {seed})"

        if not delivered:
            task.result()

    async def _some_time(self) -> None:
        if self._dice.random() < 0.5:
            await asyncio.sleep(self._dice.uniform(0.0, self._longest))
            return

        for _ in range(self._dice.randrange(12)):
            await asyncio.sleep(0)


async def give_up_together(faults: FaultHarness, calls: Iterable[Call]) -> None:
    """Cancel all calls while they wait for an answer."""
    faults.proxy.delay(0.05, "to_client")
    tasks = [under_way(call) for call in calls]
    await asyncio.sleep(0.01)

    for task in tasks:
        task.cancel()

    await asyncio.wait(tasks)
    faults.proxy.heal()
