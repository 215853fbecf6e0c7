"""What the state machines share: an event loop for each run of one, and tasks that outlive a step."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine

from infrastructure.interfaces import InfrastructureError

__all__ = ["Actor", "AsyncMachine", "apart", "error_of", "machine_settings"]

T = TypeVar("T")

_logger = logging.getLogger("infrastructure")


def machine_settings(share: float) -> settings:
    """Return the profile's settings with a share of its examples: one of a machine is dear."""
    examples = max(1, round(settings().max_examples * share))
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.too_slow])


async def error_of(call: Callable[[], Awaitable[Any]]) -> InfrastructureError | None:
    """Return the error of ours that ``call()`` raises, or ``None``; any other passes."""
    try:
        await call()
    except InfrastructureError as exc:
        return exc

    return None


def apart(awaitable: Awaitable[T]) -> asyncio.Future[T]:
    """Start a task that goes on beside the step."""
    return asyncio.ensure_future(awaitable)


class AsyncMachine(RuleBasedStateMachine):
    """A machine whose steps await: every run has a loop of its own, and must leave it empty."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._complaints: list[str] = []
        # Hundreds of expected warnings would hide the steps that hypothesis shows.
        _logger.disabled = True
        loop = self._runner.get_loop()
        loop.set_exception_handler(lambda _, context: self._complaints.append(str(context)))
        self.await_(self.start())

    def await_(self, step: Coroutine[Any, Any, T]) -> T:
        """Run one step; what it started goes on in the next one."""
        return self._runner.run(step)

    async def start(self) -> None:
        """Make what is tested; before the first step."""

    async def compare(self) -> None:
        """Compare everything once more; after the last step, unless one failed."""

    async def stop(self) -> None:
        """End what was made."""

    def teardown(self) -> None:
        """Compare, stop, and see that nothing is left running and nothing died unseen."""
        # Hypothesis calls this while the error of a step passes by: no other may hide it.
        failed = sys.exc_info()[0] is not None

        try:
            if not failed:
                self.await_(self.compare())
        finally:
            self.await_(self.stop())
            left = self.await_(self._left())
            self._runner.close()
            _logger.disabled = False

        assert failed or not left, f"still running: {left}"
        assert failed or not self._complaints, self._complaints

    async def _left(self) -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks() - {asyncio.current_task()}


class Actor:
    """A task that lives through many steps, as a user's does: its transaction stays its own."""

    def __init__(self) -> None:
        self._calls: asyncio.Queue[tuple[Any, asyncio.Future[Any]] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._live())

    async def do(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what ``call()`` returns when the actor awaits it."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls.put_nowait((call, done))
        result: T = await done
        return result

    async def retire(self) -> None:
        """End the task; what it left open is its end's business."""
        self._calls.put_nowait(None)
        await self._task

    async def _live(self) -> None:
        while (wanted := await self._calls.get()) is not None:
            call, done = wanted

            try:
                done.set_result(await call())
            except BaseException as exc:  # noqa: BLE001 - whoever asked gets it
                done.set_exception(exc)
