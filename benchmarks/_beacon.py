"""Measures for how long the event loop was held: a task that turns with it and looks at the clock."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ._question import Question, Work
from ._verdict import Stall

__all__ = ["Beacon", "beaming", "longest_stall"]

# Seconds in which nothing but the beacon runs.
_QUIET = 0.3

# Turns of the loop in a pass, for what takes one operation a turn.
_TURNS = 5000


class Beacon:
    """The longest gap between two turns of the loop: by the clock, and of this thread."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget the gaps so far."""
        self.longest = self.longest_busy = 0.0
        self._wall, self._busy = time.perf_counter(), time.thread_time()

    async def run(self) -> None:
        """Turn with the loop until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(0)

    def look(self) -> None:
        """Note the gap since the last look."""
        wall, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, wall - self._wall)
        self.longest_busy = max(self.longest_busy, busy - self._busy)
        self._wall, self._busy = wall, busy


@asynccontextmanager
async def beaming() -> AsyncIterator[Beacon]:
    """Run a beacon beside the block."""
    beacon = Beacon()
    task = asyncio.create_task(beacon.run())
    await asyncio.sleep(0)
    beacon.restart()

    try:
        yield beacon
    finally:
        # What held the loop until here counts, too.
        beacon.look()
        task.cancel()


async def longest_stall(question: Question) -> Stall:
    """Return the longest that ours held the loop, in passes of their own that are not timed."""
    passes: list[Beacon] = []
    noise = await _noise()

    async with question.ours.open() as work:
        for _ in range(question.passes):
            await work.reset()
            passes.append(await _pass(work, question))

    return Stall(
        question=question.name,
        wall=min(beacon.longest for beacon in passes),
        cpu=statistics.median(beacon.longest_busy for beacon in passes),
        noise=noise,
        target=question.stall,
    )


async def _pass(work: Work, question: Question) -> Beacon:
    # What the peers left on the heap is not ours to be collected.
    gc.collect()
    gc.freeze()

    try:
        async with beaming() as beacon:
            for _ in range(max(1, min(_TURNS, question.operations // question.turn))):
                await work.run(question.turn)
                await asyncio.sleep(0)
    finally:
        gc.unfreeze()

    return beacon


async def _noise() -> float:
    async with beaming() as beacon:
        await asyncio.sleep(_QUIET)

    return beacon.longest
