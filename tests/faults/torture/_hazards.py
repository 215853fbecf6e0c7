"""How a step is disturbed: by a time limit, or by a cancellation, however often and whenever."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure import deadline
from infrastructure.testing.cancellation import PHASES, cancel_at

from ._journal import Findings
from ._plan import Moment, Step

__all__ = ["Hazards", "in_wait_for", "moment"]

Run = Callable[[], Awaitable[None]]
Start = Callable[[Awaitable[None]], "asyncio.Task[None]"]

_LEAST = 1e-6
_MOST = 10_000


async def moment(when: Moment) -> None:
    """Return at that moment."""
    for _ in range(when.turns):
        await asyncio.sleep(0)

    if when.seconds:
        await asyncio.sleep(when.seconds)


async def in_wait_for(run: Run, seconds: float) -> None:
    """Await ``run()`` as users do who do not know better."""
    kept = Kept(run)
    await asyncio.wait_for(kept(), seconds)  # noqa: TID251 - the storage has to stand it
    kept.give()


class Kept:
    """Runs something whose error is to be had afterwards: asyncio forgets that of a task which it leaves."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._error: Exception | None = None

    async def __call__(self) -> None:
        try:
            await self._run()
        except Exception as exc:  # noqa: BLE001 - it is raised by `give`
            self._error = exc

    def give(self) -> None:
        """Raise the error, if there was one."""
        if self._error is not None:
            raise self._error


class Hazards:
    """Disturbs steps; a cancellation that was delivered and did not come out is a finding.

    ``events`` counts what took place: a time limit that passed, a cancellation that was delivered.
    """

    def __init__(self, findings: Findings, events: Counter[str], start: Start) -> None:
        self._findings = findings
        self._events = events
        self._start = start

    async def around(self, step: Step, run: Run) -> None:
        """Run a step, disturbed as it says."""
        seconds = max(_LEAST, step.moment.seconds or step.moment.turns / 1000)

        if not step.hazard:
            await run()
        elif step.hazard == "cancel at":
            await self._cancel_at(step, run)
        elif step.hazard.startswith("cancel"):
            await self._cancel(step, run)
        else:
            await self._limit(step.hazard, seconds, run)

    async def _limit(self, how: str, seconds: float, run: Run) -> None:
        until = time.monotonic() + seconds

        try:
            if how == "wait_for":
                await in_wait_for(run, seconds)
            elif how == "timeout":
                async with asyncio.timeout(seconds):
                    await run()
            else:
                with deadline(seconds):
                    await run()
        except TimeoutError:
            self._events[how] += time.monotonic() >= until
            raise

    async def _cancel_at(self, step: Step, run: Run) -> None:
        n = step.moment.turns + int(step.moment.seconds * 1000)
        kept = Kept(run)
        outcome = await cancel_at(kept, n, PHASES[n % 2], repeated=n % 3 == 0)

        self._events[step.hazard] += outcome.reached

        if outcome.swallowed:
            self._lost(step, outcome)

        kept.give()

    async def _cancel(self, step: Step, run: Run) -> None:
        task = self._start(run())
        delivered = False

        try:
            await moment(step.moment)
            delivered = await self._deliver(task, step.hazard)
            await asyncio.wait({task})
        finally:
            # Where this one is cancelled itself.
            task.cancel()

        self._events[step.hazard] += delivered

        if delivered and not task.cancelled():
            self._lost(step, task)

        if not task.cancelled():
            task.result()

    async def _deliver(self, task: asyncio.Task[Any], how: str) -> bool:
        delivered = task.cancel()

        if how == "cancel twice":
            await asyncio.sleep(0)
            delivered = task.cancel() or delivered
        elif how == "cancel on and on":
            for _ in range(_MOST):
                await asyncio.sleep(0)

                if not task.cancel():
                    break

        return delivered

    def _lost(self, step: Step, what: object) -> None:
        # On Python 3.11 wait_for loses one now and then, and gather gives the error of a child.
        if not step.holds("wait_for", "commit in wait_for", "gather", "task group"):
            self._findings.add("lost cancellation", f"{step!r:.500}: {what!r:.500}")
