"""Faults of the network and of the server."""

from __future__ import annotations

import asyncio

from .._ending import ended, named
from ._stage import Stage

__all__ = [
    "black_hole",
    "frozen_write",
    "idle_reset",
    "lost_answer",
    "restart",
    "truncated",
]

LONGEST = 20.0


async def black_hole(stage: Stage) -> str:
    """Nothing is answered: a get."""
    stage.proxy.black_hole()
    silent = await ended(lambda: stage.client.get("key"), LONGEST)
    stage.proxy.heal()
    after = await ended(lambda: stage.client.get("key"), LONGEST)
    return f"{silent}; after healing {after}"


async def frozen_write(stage: Stage) -> str:
    """The server stands still for 6.5 s: one set."""
    before = stage.done("set")
    stage.server.process.freeze()
    asked = asyncio.ensure_future(ended(lambda: stage.client.set("key", "new"), LONGEST))
    await asyncio.sleep(6.5)
    stage.server.process.thaw()
    end = await asked
    await asyncio.sleep(0.5)
    return f"{end}; done {_times(stage.done('set') - before)}"


async def lost_answer(stage: Stage) -> str:
    """The connection is cut when a set was done and its answer is on the way."""
    before = stage.done("set")
    stage.proxy.black_hole("to_client")
    asked = asyncio.ensure_future(ended(lambda: stage.client.set("key", "new"), LONGEST))

    while stage.done("set") == before:  # noqa: ASYNC110 - what a server does has no event here
        await asyncio.sleep(0.005)

    stage.proxy.cut()
    stage.proxy.heal()
    end = await asked
    await asyncio.sleep(0.1)
    return f"{end}; done {_times(stage.done('set') - before)}"


async def idle_reset(stage: Stage) -> str:
    """An idle connection is reset: the next get."""
    stage.proxy.reset()
    return str(await ended(lambda: stage.client.get("key"), LONGEST))


async def restart(stage: Stage) -> str:
    """The server is killed and started again, under 20 readers: reads that fail."""
    running, ends = True, []

    async def read() -> None:
        while running:
            ends.append(await ended(lambda: stage.client.get("key"), LONGEST))

    readers = [asyncio.ensure_future(read()) for _ in range(20)]
    await asyncio.sleep(0.2)
    stage.server.process.kill()
    await asyncio.sleep(0.3)
    await stage.server.start()
    await asyncio.sleep(0.5)
    running = False
    await asyncio.gather(*readers)
    failed = [end.error for end in ends if end.error]
    longest = max(end.seconds for end in ends)
    return f"{len(failed)} of {len(ends)}{named(failed)}; the slowest took {longest:.2g} s"


async def truncated(stage: Stage) -> str:
    """The connection ends within the reply, at each of its first 19 bytes: gets that are right."""
    await stage.client.set("other", "value of other")
    right = 0

    for cut_at in range(1, 20):
        stage.proxy.truncate(cut_at, "to_client")
        end = await ended(lambda: stage.client.get("other"), LONGEST)
        right += end.value == "value of other"

    return f"{right} of 19 right"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
