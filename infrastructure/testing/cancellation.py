"""Cancels an operation at each of its suspensions in turn: what gets lost, gets lost here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Literal

from ..interfaces._context import start_task

__all__ = ["PHASES", "CancellationOutcome", "Phase", "cancel_at", "every_cancellation"]

Phase = Literal["waiting", "ready"]
"""``waiting``: as soon as it is suspended, before any answer; ``ready``: when what it waits for
is there and not yet delivered, the moment at which a careless wrapper loses the cancellation."""

PHASES: tuple[Phase, ...] = ("waiting", "ready")


@dataclass(frozen=True, kw_only=True, slots=True)
class CancellationOutcome:
    """What became of an operation that was cancelled at its ``n``-th suspension.

    ``reached``    it had so many suspensions, and the cancellation was delivered.
    ``swallowed``  it was delivered and did not come out: ``result`` or ``error`` did instead.
    """

    n: int
    phase: Phase
    reached: bool
    swallowed: bool
    result: Any = None
    error: BaseException | None = None


class _Driven:
    """Awaits ``awaitable`` step by step and cancels the task at the ``n``-th suspension."""

    def __init__(self, awaitable: Awaitable[Any], n: int, phase: Phase, repeated: bool) -> None:
        self._awaitable = awaitable
        self._left = n
        self._phase = phase
        self._repeated = repeated
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._awaitable.__await__()
        resume: Callable[[], Any] = lambda: next(inner)  # noqa: E731 - replaced at each step

        while True:
            try:
                suspended_on = resume()
            except StopIteration as stop:
                return stop.value

            self._at_suspension(suspended_on)

            try:
                sent = yield suspended_on
            except BaseException as exc:  # noqa: BLE001 - handed to the operation as it is
                resume = _thrower(inner, exc)
            else:
                resume = _sender(inner, sent)

    def _at_suspension(self, suspended_on: Any) -> None:
        self._left -= 1

        if self._left > -1 or (self._left < -1 and not self._repeated):
            return

        task = asyncio.current_task()
        assert task is not None

        if self._phase == "ready" and suspended_on is not None:
            # Before the task's own callback, which is added when we yield: it runs first.
            suspended_on.add_done_callback(lambda _: self._cancel(task))
        else:
            self._cancel(task)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        self.reached = task.cancel() or self.reached


def _thrower(inner: Generator[Any, Any, Any], exc: BaseException) -> Callable[[], Any]:
    return lambda: inner.throw(exc)


def _sender(inner: Generator[Any, Any, Any], sent: Any) -> Callable[[], Any]:
    return lambda: inner.send(sent)


async def cancel_at(
    operation: Callable[[], Awaitable[Any]],
    n: int,
    phase: Phase = "waiting",
    *,
    repeated: bool = False,
) -> CancellationOutcome:
    """Run ``operation()`` in a task of its own and cancel it at its ``n``-th suspension, from 0.

    ``repeated``: and at each one after it, so that whatever is awaited to clean up is
    cancelled too, as anyio's scopes do.
    """
    driven = _Driven(operation(), n, phase, repeated)
    task = start_task(_run(driven), name=f"cancel_at {n} {phase}", context=copy_context())

    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise

    error = None if task.cancelled() else task.exception()
    return CancellationOutcome(
        n=n,
        phase=phase,
        reached=driven.reached,
        swallowed=driven.reached and not task.cancelled(),
        result=None if task.cancelled() or error else task.result(),
        error=error,
    )


async def _run(driven: _Driven) -> Any:
    return await driven


async def every_cancellation(
    operation: Callable[[], Awaitable[Any]],
    *,
    after: Callable[[CancellationOutcome], Awaitable[None]] | None = None,
    limit: int = 200,
) -> list[CancellationOutcome]:
    """Cancel ``operation()`` at every suspension in both phases; return what came of each.

    ``after`` runs after each one, to see what is left behind. It ends where the operation
    does not suspend so often any more, and raises ``AssertionError`` at ``limit``.
    """
    outcomes: list[CancellationOutcome] = []

    for phase in PHASES:
        n = 0

        while True:
            assert n < limit, f"the operation was still suspending at its {limit}th suspension"
            outcome = await cancel_at(operation, n, phase)
            outcomes.append(outcome)
            n += 1

            if after is not None:
                await after(outcome)

            if not outcome.reached:
                break

    return outcomes
