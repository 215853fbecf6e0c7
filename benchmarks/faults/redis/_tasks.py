"""Cancellations, deadlines and crowds."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections import Counter

from ._stage import Stage

__all__ = ["cancelled_loops", "crowd", "foreign_answers", "timed_out_gets"]

LOOPS = 2000
GETS = 5000


async def cancelled_loops(stage: Stage) -> str:
    """2,000 tasks that get in a loop are cancelled, twenty at a time: how many still run 50 ms later."""
    lost = 0

    async def loop() -> None:
        while True:
            await stage.client.get("key")

    for number in range(LOOPS // 20):
        tasks = [asyncio.ensure_future(loop()) for _ in range(20)]

        for _ in range(1 + number % 40):
            await asyncio.sleep(0)

        for task in tasks:
            task.cancel()

        await asyncio.wait(tasks, timeout=0.05)
        late = [task for task in tasks if not task.done()]
        lost += len(late)

        # It goes on: cancelled again until that is heard.
        while late:
            for task in late:
                task.cancel()

            await asyncio.wait(late, timeout=0.05)
            late = [task for task in late if not task.done()]

    return f"{lost} still run"


async def foreign_answers(stage: Stage) -> str:
    """5,000 gets of values that say whose they are, half of them cancelled: answers of another key."""
    for number in range(50):
        await stage.client.set(f"key {number}", f"value of key {number}")

    counts: Counter[str] = Counter()

    async def get(number: int) -> None:
        value = await stage.client.get(f"key {number % 50}")
        counts["foreign"] += value != f"value of key {number % 50}"
        counts["answers"] += 1

    for start in range(0, GETS, 50):
        tasks = [asyncio.ensure_future(get(start + n)) for n in range(50)]

        for _ in range(start // 50 % 10):
            await asyncio.sleep(0)

        for task in tasks[::2]:
            task.cancel()

        await asyncio.gather(*tasks, return_exceptions=True)

    opened = stage.opened()
    return f"{counts['foreign']} of {counts['answers']}; {opened} connections were opened"


async def timed_out_gets(stage: Stage) -> str:
    """The server stands still: 250 gets, each under asyncio.timeout(0.02): new connections."""
    before = stage.opened()
    stage.server.process.freeze()
    ended = 0

    async def get() -> None:
        nonlocal ended

        try:
            async with asyncio.timeout(0.02):
                await stage.client.get("key")
        except builtins.TimeoutError:
            ended += 1

    begun = time.monotonic()

    for _ in range(250):
        await get()

    seconds = time.monotonic() - begun
    stage.server.process.thaw()
    return f"{stage.opened() - before} opened; {ended} timed out, in {seconds:.1f} s"


async def crowd(stage: Stage) -> str:
    """10,000 gets at once: those that fail, and the connections that it takes."""
    begun = time.monotonic()
    asked = (stage.client.get("key") for _ in range(10_000))
    ends = await asyncio.gather(*asked, return_exceptions=True)
    seconds = time.monotonic() - begun
    failed = Counter(type(end).__name__ for end in ends if isinstance(end, BaseException))
    told = ", ".join(f"{count} {name}" for name, count in failed.items()) or "0"
    return f"{told} failed; {stage.opened()} connections, {seconds:.1f} s"
