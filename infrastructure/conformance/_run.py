"""Runs a check in an event loop of its own, with a limit, and says what came of it."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from ..interfaces._context import start_task
from ._check import Check
from ._expect import name_of
from ._harness import Harness
from ._logs import recorded

__all__ = ["Result", "Status", "run_check"]

Status = Literal["passed", "failed", "not asked"]

_HERE: Final = Path(__file__).parent
_GRACE: Final = 1.0
"""Seconds that a check may take to end once it was cancelled."""
_CLOSING: Final = 15.0
"""Seconds that it may take where somebody pressed Ctrl-C: what it made on a server is removed."""
_LOOK: Final = 1.0
"""Seconds that the loop sleeps at most: a signal that comes just before wakes nobody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """What came of a check.

    ``seconds``  how long it ran, opening and closing the harness included.
    ``reason``   why it failed, in words, or why it was not asked; empty where it passed.
    ``where``    file and line of the check that failed.
    ``error``    what was raised, with its traceback.
    ``logged``   the last lines that were logged while it ran, where it failed.
    """

    check: Check
    status: Status
    seconds: float = 0.0
    reason: str = ""
    where: str = ""
    error: BaseException | None = field(default=None, compare=False)
    logged: tuple[str, ...] = ()


def run_check(
    check: Check,
    make_harness: Callable[[], Harness[Any]],
    *,
    limit: float = 60.0,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
) -> Result:
    """Run ``check`` with a fresh harness for at most ``limit`` seconds.

    An error that reached the event loop because nobody handled it fails the check too.
    Must not be called from inside a running event loop.
    """
    began = time.monotonic()

    with recorded() as lines:
        error = _run(check, make_harness, limit, loop_factory())

    seconds = time.monotonic() - began

    if error is None:
        return Result(check=check, status="passed", seconds=seconds)

    where, line = _place(error)
    return Result(
        check=check,
        status="failed",
        seconds=seconds,
        reason=_words(error, line) + _hint(check),
        where=where,
        error=error,
        logged=tuple(lines),
    )


def _run(
    check: Check,
    make_harness: Callable[[], Harness[Any]],
    limit: float,
    loop: asyncio.AbstractEventLoop,
) -> BaseException | None:
    unhandled: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    attempt = _Attempt(check, make_harness)

    try:
        error = loop.run_until_complete(_limited(attempt, limit))
        loop.run_until_complete(_leave(loop))
    except KeyboardInterrupt:
        # A second one ends this, too.
        loop.run_until_complete(_interrupt(loop, attempt))
        raise
    finally:
        loop.close()

    return _unhandled(unhandled[0]) if error is None and unhandled else error


async def _limited(attempt: _Attempt, limit: float) -> BaseException | None:
    task = attempt.start()
    await _ended({task}, limit)

    if task.done():
        return task.result()

    task.cancel()
    await asyncio.wait({task}, timeout=_GRACE)
    stuck = AssertionError(f"it did not end within {limit:g} s")

    # Cancelled, the check tells by its traceback what it was waiting for.
    if task.done() and (cause := task.result()) is not None:
        stuck.__traceback__ = cause.__traceback__

    return stuck


class _Attempt:
    """One run of a check, from the making of its harness to its closing."""

    def __init__(self, check: Check, make_harness: Callable[[], Harness[Any]]) -> None:
        self._check = check
        self._make_harness = make_harness
        self._is_interrupted = False
        self._is_asking = False
        self.tasks: set[asyncio.Task[BaseException | None]] = set()

    def start(self) -> asyncio.Task[BaseException | None]:
        """Run it in a task, which returns what was raised: it keeps its traceback."""
        task = start_task(self._run(), name=self._check.name)
        self.tasks.add(task)
        return task

    def interrupt(self) -> None:
        """Have the check end; a harness that is being opened or closed goes on, so that nothing stays."""
        self._is_interrupted = True

        if self._is_asking:
            for task in self.tasks:
                task.cancel()

    async def _run(self) -> BaseException | None:
        __tracebackhide__ = True

        try:
            harness = self._make_harness()

            async with harness.faults or nullcontext():
                await harness.open()

                try:
                    await self._ask(harness)
                finally:
                    await harness.close()
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 - handed to the caller
            return exc

        return None

    async def _ask(self, harness: Harness[Any]) -> None:
        __tracebackhide__ = True

        if self._is_interrupted:
            return

        self._is_asking = True

        try:
            await self._check.run(harness)
        finally:
            self._is_asking = False


async def _interrupt(loop: asyncio.AbstractEventLoop, attempt: _Attempt) -> None:
    """Cancel the check, and wait until it has closed its harness."""
    attempt.interrupt()
    await _ended(attempt.tasks, _CLOSING)
    await _leave(loop)


async def _ended(tasks: set[asyncio.Task[Any]], limit: float) -> None:
    """Return when all have ended, or so many seconds later."""
    ends = time.monotonic() + limit

    while tasks and (left := ends - time.monotonic()) > 0:
        _, tasks = await asyncio.wait(tasks, timeout=min(left, _LOOK))


async def _leave(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what a failed check left running; what does not end is left alone."""
    left = asyncio.all_tasks(loop) - {asyncio.current_task(loop)}

    for task in left:
        task.cancel()

    if left:
        await asyncio.wait(left, timeout=_GRACE)

    await loop.shutdown_asyncgens()


def _unhandled(context: dict[str, Any]) -> BaseException:
    cause = context.get("exception")
    told = f"{name_of(cause)}: {cause}" if cause else ""
    error = AssertionError(f"nobody handled an error: {context['message']} {told}".rstrip())
    error.__cause__ = cause
    return error


def _place(error: BaseException) -> tuple[str, str]:
    """Return file and line of the innermost frame inside a check, and its source."""
    frames = traceback.extract_tb(error.__traceback__)

    for frame in reversed(frames):
        path = Path(frame.filename)

        if path.is_relative_to(_HERE) and not path.name.startswith("_"):
            return f"conformance/{path.relative_to(_HERE)}:{frame.lineno}", frame.line or ""

    return "", ""


def _hint(check: Check) -> str:
    if check.absent is None:
        return ""

    return f"\n{check.absent!r} is not declared: where the backend has it, the harness says so"


def _words(error: BaseException, line: str) -> str:
    if not isinstance(error, AssertionError):
        return f"{name_of(error)}: {error}".rstrip(": ")

    if line and not str(error):
        return f"this does not hold: {line.removeprefix('assert ')}"

    return str(error) or "an assertion failed without a word"
