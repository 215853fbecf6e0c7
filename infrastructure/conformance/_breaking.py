"""How a fault check sees what becomes of a call: whether it ended, in time, and what it left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..interfaces import ConnectionError, InfrastructureError, TimeoutError, deadline
from ._expect import beside, name_of
from ._faults import FaultHarness
from ._harness import Harness
from ._stopwatch import Stopwatch

__all__ = [
    "BACK",
    "DEADLINE",
    "PATIENT",
    "PREPARING",
    "Call",
    "answers",
    "descriptors",
    "ends",
    "faults_of",
    "none_open",
    "of",
    "refused_or_late",
    "under_way",
    "until",
]

DEADLINE = 0.4
"""Seconds that a call to a server that does not answer gets."""

PATIENT = 2.0
"""Seconds of a call that is not expected to take any time, on a machine that has other work."""

PREPARING = 20.0
"""Seconds to connect, to make what a check works on, or to join a group: it breaks nothing yet."""

BACK = 1.0
"""Seconds in which the first call after the peer is back succeeds (G6)."""

Call = Callable[[], Awaitable[Any]]
T = TypeVar("T")

_SLACK = 0.25
_POLL = 0.005


def faults_of(harness: Harness[Any]) -> FaultHarness:
    """Return what breaks things; a harness without it is not asked."""
    assert harness.faults is not None, "a fault check was asked of a harness without faults"
    return harness.faults


def under_way(call: Call) -> asyncio.Task[Any]:
    """Start a call as a user would, and return its task."""

    async def run() -> Any:
        return await call()

    return beside(run())


async def ends(call: Call, within: float, what: str) -> Any:
    """Return what ``call()`` gives, or the error of ours that it raises, ``within`` seconds.

    A driver's error fails, and so does a call that takes 250 ms longer.
    """
    __tracebackhide__ = True
    task = under_way(call)
    watch = Stopwatch()

    try:
        while not task.done() and (left := within + _SLACK - watch.taken) > 0:
            await asyncio.wait({task}, timeout=left)
    except asyncio.CancelledError:
        _give_up(task)
        raise

    if not task.done():
        _give_up(task)
        msg = f"{what} had not ended after {watch.taken:.2f} s, it had {within:g} s"
        raise AssertionError(msg)

    error = asyncio.CancelledError() if task.cancelled() else task.exception()

    if error is None:
        return task.result()

    if not isinstance(error, InfrastructureError):
        msg = f"{what} raised {name_of(error)}: {error}; expected an error of ours"
        raise AssertionError(msg) from error  # noqa: TRY004 - a check fails so

    return error


def _give_up(task: asyncio.Task[Any]) -> None:
    """Cancel a call that nobody waits for any more; what becomes of it is no news."""
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    task.cancel()


async def answers(call: Call, what: str, within: float = BACK) -> Any:
    """Return what ``call()`` gives ``within`` seconds; an error of ours fails too.

    It has that time, whatever ``deadline=`` its backend was made with.
    """
    __tracebackhide__ = True

    with deadline(within):
        result = await ends(call, within, what)

    if isinstance(result, InfrastructureError):
        msg = f"{what} raised {name_of(result)}: {result}"
        raise AssertionError(msg) from result  # noqa: TRY004 - a check fails so

    return result


def refused_or_late(error: Any, what: str) -> None:
    """Assert that it is how a call ends that reaches no server."""
    __tracebackhide__ = True
    expected = isinstance(error, ConnectionError | TimeoutError)
    assert expected, f"{what} gave {error!r:.200}, expected ConnectionError or TimeoutError"


def of(task: asyncio.Task[T]) -> Callable[[], Awaitable[T]]:
    """Return what waits for ``task``: a call for ``ends`` and ``answers``."""
    return lambda: task


def descriptors() -> int:
    """Return how many files and sockets this process has open."""
    # The listing has one of its own open, before and after.
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - Path.iterdir needs a stat more


def none_open(harness: Harness[Any]) -> Callable[[], Awaitable[bool]]:
    """Return what tells whether the instances of a harness hold no connection."""

    async def none() -> bool:
        return not await faults_of(harness).connections()

    return none


async def until(holds: Callable[[], Awaitable[bool]], what: str, within: float = BACK) -> None:
    """Return when ``holds()``; fail where it does not ``within`` seconds."""
    __tracebackhide__ = True
    watch = Stopwatch()

    while not await holds():
        assert watch.taken < within, f"{what}: not within {within:g} s"
        await asyncio.sleep(_POLL)
