"""Tasks inside transactions, more of them than connections, and a lost answer to COMMIT."""

from __future__ import annotations

import asyncio
from collections import Counter

from .._ending import Ending, NoEnd, ended
from ._stage import Stage

__all__ = ["exhausted", "lost_commit", "tasks_inside"]

_INSERT = "INSERT INTO pairs VALUES ($1, $2) RETURNING pair"
_COUNT = "SELECT count(*) FROM pairs WHERE pair = 1"

# psycopg's pool waits 30 s by default.
_LONGEST = 32.0


class _RolledBack(Exception):
    pass


async def tasks_inside(stage: Stage) -> str:
    """A transaction inserts a row, and two more in tasks of it (create_task, gather), and is rolled back."""

    async def transaction() -> None:
        async with stage.client.transaction() as run:
            await run(_INSERT, 1, 1)
            # As asyncio.wait_for does on Python 3.11.
            await asyncio.ensure_future(_awaited(run(_INSERT, 1, 2)))
            await asyncio.gather(run(_INSERT, 1, 3))
            raise _RolledBack

    end = await ended(transaction, 5.0)
    told = "" if isinstance(end.error, _RolledBack) else f"; {end}"
    return f"{stage.asked(_COUNT)} rows stay{told}"


async def _awaited(call: object) -> object:
    return await call  # type: ignore[misc]


async def exhausted(stage: Stage) -> str:
    """10 tasks begin a transaction each, as many as there are connections have one, and ask for a second connection."""

    async def one() -> None:
        async with stage.client.transaction() as run:
            await run("SELECT 1")
            # Until the others have theirs, or wait for one.
            await asyncio.sleep(0.5)
            await stage.client.apart("SELECT 1")

    calls = (ended(one, _LONGEST) for _ in range(10))
    ends: list[Ending] = await asyncio.gather(*calls)
    kinds = Counter(_kind(end) for end in ends)
    after = await ended(lambda: stage.client.run("SELECT 1"), 5.0)
    slowest = max(end.seconds for end in ends)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f"{told}; the slowest took {slowest:.2g} s; a select afterwards {after}"


def _kind(end: Ending) -> str:
    if isinstance(end.error, NoEnd):
        return str(end.error)

    return "succeed" if end.error is None else type(end.error).__name__


async def lost_commit(stage: Stage) -> str:
    """The connection is cut when a COMMIT was done and its answer is on the way."""

    async def transaction() -> None:
        async with stage.client.transaction() as run:
            await run(_INSERT, 1, 1)
            stage.proxy.black_hole("to_client")

    asked = asyncio.ensure_future(ended(transaction, 10.0))

    for _ in range(400):
        if stage.asked(_COUNT):
            break

        await asyncio.sleep(0.01)

    stage.proxy.cut()
    stage.proxy.heal()
    end = await asked
    after = await ended(lambda: stage.client.run("SELECT 1"), 5.0)
    return f"{end}; {stage.asked(_COUNT)} row committed; the next select {after}"
