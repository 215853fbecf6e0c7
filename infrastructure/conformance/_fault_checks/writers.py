"""Writers that go on while connections are lost, or the server is killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ...interfaces import InfrastructureError
from .._breaking import DEADLINE, ends, refused_or_late
from .._expect import beside
from .._faults import FaultHarness

__all__ = ["kill_again_and_again", "write_on", "writing"]


async def write_on(
    write: Callable[[int], Awaitable[Any]],
    within: float = DEADLINE,
    failed: Callable[[Any, str], None] = refused_or_late,
) -> None:
    """Write 1, 2 and so on for ever; ``failed`` asserts that an error is one that may come.

    ``write`` notes what was acknowledged.
    """
    number = 0

    while True:
        number += 1
        error = await ends(partial(write, number), within, "a write")

        if isinstance(error, InfrastructureError):
            failed(error, "a write, while its server was lost,")
            await asyncio.sleep(0.01)


@asynccontextmanager
async def writing(writers: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Let ``writers`` run inside the block; none may have failed in it."""
    running = [beside(one) for one in writers]

    try:
        yield
    finally:
        for one in running:
            one.cancel()

        ended = await asyncio.gather(*running, return_exceptions=True)

    wrong = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
    assert not wrong, f"a writer failed: {wrong[0]!r}"


async def kill_again_and_again(faults: FaultHarness, times: int, apart: float) -> None:
    """Kill the server and start it again, so many seconds ``apart``."""
    for _ in range(times):
        await asyncio.sleep(apart)
        await faults.kill()
        await faults.start()

    await asyncio.sleep(apart)
