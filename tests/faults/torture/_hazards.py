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

__all__ = ["Hazards", "moment"]

Start = Callable[[Awaitable[None]], "asyncio.Task[None]"]

_LEAST = 1e-6
_MOST = 10_000


async def moment(when: Moment) -> None:
    """Return at that moment."""
    for _ in range(when.turns):
        await asyncio.sleep(0)

    if when.seconds:
        await asyncio.sleep(when.seconds)


class Hazards:
    """Disturbs steps; a cancellation that was delivered and did not come out is a finding.

    ``events`` counts what took place: a time limit that passed, a cancellation that was delivered.
    """

    def __init__(self, findings: Findings, events: Counter[str], start: Start) -> None:
        self._findings = findings
        self._events = events
        self._start = start

    async def around(self, step: Step, run: Callable[[], Awaitable[None]]) -> None:
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

    async def _limit(self, how: str, seconds: float, run: Callable[[], Awaitable[None]]) -> None:
        until = time.monotonic() + seconds

        try:
            if how == "wait_for":
                # It is what users do.
                await asyncio.wait_for(run(), seconds)  # noqa: TID251
            elif how == "timeout":
                async with asyncio.timeout(seconds):
                    await run()
            else:
                with deadline(seconds):
                    await run()
        except TimeoutError:
            self._events[how] += time.monotonic() >= until
            raise

    async def _cancel_at(self, step: Step, run: Callable[[], Awaitable[None]]) -> None:
        n = step.moment.turns + int(step.moment.seconds * 1000)
        outcome = await cancel_at(run, n, PHASES[n % 2], repeated=n % 3 == 0)

        self._events[step.hazard] += outcome.reached

        if outcome.swallowed:
            self._lost(step, outcome)

        if outcome.error is not None:
            raise outcome.error

    async def _cancel(self, step: Step, run: Callable[[], Awaitable[None]]) -> None:
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
