"""Cancellations at any moment, outside transactions and inside."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable

from .._ending import ended
from ._stage import Stage

__all__ = ["cancelled_statements", "cancelled_transactions"]

_ROUNDS = 75
_TASKS = 20

# Seconds in which a cancelled task should have ended, and after which it is left alone.
_SOON = 0.25
_NEVER = 5.0

_IN_TRANSACTION = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
_INSERT = "INSERT INTO pairs VALUES ($1, $2) RETURNING pair"
_TORN = "SELECT count(*) FROM (SELECT FROM pairs GROUP BY pair HAVING count(*) <> 2) AS torn"


async def cancelled_statements(stage: Stage) -> str:
    """1,500 tasks that select in a loop are cancelled at random moments."""
    counts: Counter[str] = Counter()
    numbers = itertools.count(1)

    async def once() -> None:
        number = next(numbers)
        found = await stage.client.run("SELECT CAST($1 AS bigint)", number)
        counts["foreign"] += found[0][0] != number
        counts["answers"] += 1

    await _cancel(once, counts)
    return (
        f"{counts['foreign']} of {counts['answers']} answers foreign; {await _after(stage, counts)}"
    )


async def cancelled_transactions(stage: Stage) -> str:
    """1,500 tasks that insert two rows in a transaction, again and again, are cancelled at random moments."""
    counts: Counter[str] = Counter()
    numbers = itertools.count(1)

    async def once() -> None:
        number = next(numbers)

        async with stage.client.transaction() as run:
            for half in (1, 2):
                found = await run(_INSERT, number, half)
                counts["foreign"] += found[0][0] != number

    await _cancel(once, counts)
    after = await _after(stage, counts)
    return f"{stage.asked(_TORN)} pairs torn; {counts['foreign']} answers foreign; {after}"


async def _cancel(once: Callable[[], Awaitable[None]], counts: Counter[str]) -> None:
    """Run loops of ``once`` and cancel them; count those that go on, and other ends."""
    moments = random.Random(1)

    async def loop() -> None:
        while True:
            await once()

    for number in range(_ROUNDS):
        tasks = [asyncio.ensure_future(loop()) for _ in range(_TASKS)]

        # Half of the rounds by turns of the loop, half by the clock.
        if number % 2:
            await asyncio.sleep(moments.random() * 0.02)
        else:
            for _ in range(moments.randrange(60)):
                await asyncio.sleep(0)

        for task in tasks:
            task.cancel()

        await asyncio.wait(tasks, timeout=_SOON)
        counts["late"] += sum(not task.done() for task in tasks)
        counts["never"] += await _insist(tasks)

        for task in tasks:
            if task.done() and not task.cancelled():
                counts[f"error {type(task.exception()).__name__}"] += 1


async def _insist(tasks: list[asyncio.Task[None]]) -> int:
    """Cancel again until that is heard; return how many never do."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _NEVER

    while (late := [task for task in tasks if not task.done()]) and loop.time() < end:
        for task in late:
            task.cancel()

        await asyncio.wait(late, timeout=_SOON)

    return len(late)


async def _after(stage: Stage, counts: Counter[str]) -> str:
    """Return what is left of it, and whether the client still works."""
    await asyncio.sleep(0.5)
    left = stage.asked(_IN_TRANSACTION)
    calls = (ended(lambda: stage.client.run("SELECT 1"), 5.0) for _ in range(20))
    healthy = sum(end.error is None for end in await asyncio.gather(*calls))
    errors = [f"{count} {name[6:]}" for name, count in counts.items() if name.startswith("error ")]
    told = [
        f"{counts['late']} went on {_SOON:g} s later",
        *([f"{counts['never']} never ended"] if counts["never"] else []),
        *errors,
        f"{left} connections left in a transaction",
        f"{healthy} of 20 selects afterwards",
        f"{stage.proxy.accepted} connections were opened",
    ]
    return "; ".join(told)
