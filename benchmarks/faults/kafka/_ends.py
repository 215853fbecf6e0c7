"""Members that end while their handlers run."""

from __future__ import annotations

import asyncio

from ._journal import names
from ._stage import Stage

__all__ = ["member_closed", "member_killed"]

_WANTED = names(8, range(125))


async def member_killed(stage: Stage) -> str:
    """A process is killed when it has handled messages (8 keys, 0.1 s each) for 7 s; another goes on: of 1,000."""
    stage.fill(_WANTED, 0.1)
    first = stage.children.start("consume")
    await stage.until(lambda: stage.journal.events("end"), 30)
    await asyncio.sleep(7)
    first.kill()
    stage.quick()
    stage.children.start("consume")
    await stage.settled(set(_WANTED))
    return stage.told(set(_WANTED))


async def member_closed(stage: Stage) -> str:
    """A process closes its client when it has handled messages (8 keys, 0.5 s each) for 3 s; another goes on: of 1,000."""
    stage.fill(_WANTED, 0.5)
    first = stage.children.start("consume")
    await stage.until(lambda: stage.journal.events("end"), 30)
    await asyncio.sleep(3)
    seconds = await first.leave()
    stage.quick()
    stage.children.start("consume")
    await stage.settled(set(_WANTED))
    closed = "does not close" if seconds is None else f"closes in {seconds:.2g} s"
    cancelled = len(stage.journal.events("cancelled"))
    return f"{closed}, {cancelled} handlers cancelled; {stage.told(set(_WANTED))}"
