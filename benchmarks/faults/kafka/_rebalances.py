"""Partitions that move while handlers run."""

from __future__ import annotations

import asyncio
import time

from ._journal import names
from ._stage import Stage

__all__ = ["came_and_went", "slow_handler"]

_WANTED = names(8, range(200))
_POLL = 6.0
_SLOW = 3 * _POLL
_WATCHED = 70.0


async def came_and_went(stage: Stage) -> str:
    """A second process joins for a few seconds and leaves, while handlers run (8 keys, 0.1 s each): of 1,600."""
    stage.fill(_WANTED, 0.1)
    stage.children.start("consume")
    await stage.until(lambda: stage.journal.events("end"), 30)
    await asyncio.sleep(2)
    second = stage.children.start("consume")
    await stage.until(lambda: stage.journal.events("begin", second.pid), 15)
    await asyncio.sleep(2)
    await second.leave()
    await asyncio.sleep(2)
    stage.quick()
    await stage.settled(set(_WANTED))
    return stage.told(set(_WANTED))


async def slow_handler(stage: Stage) -> str:
    """One handler takes 18 s, the poll interval is 6 s, two processes: of 41 messages, watched for 70 s."""
    for _ in range(2):
        stage.children.start("consume", _POLL)

    await stage.until(lambda: stage.group.owners() == 2, 40)
    slow = ("k0", -1)
    stage.fill([slow], _SLOW)
    stage.fill(names(8, range(5)))
    wanted = {slow, *names(8, range(5))}
    seen = [stage.group.assigned()]
    since = time.monotonic()

    def over() -> bool:
        if (now := stage.group.assigned()) not in (None, seen[-1]):
            seen.append(now)

        # A second look at the slow one may begin when the first has ended.
        return stage.journal.names("end") >= wanted and time.monotonic() - since > _SLOW + 12

    await stage.until(over, _WATCHED)
    return f"{len(seen) - 1} rebalances; {stage.told(wanted)}"
