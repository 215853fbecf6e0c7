"""How long something may take, and how large a run of the fault tests is."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from infrastructure import deadline
from infrastructure.conformance._stopwatch import Stopwatch

__all__ = [
    "HEALED",
    "PATIENT",
    "SLACK",
    "SOAK",
    "connected",
    "draw_seed",
    "healed",
    "share",
    "unhurried",
    "within",
]

P = ParamSpec("P")
B = TypeVar("B", bound=Any)

SLACK = 0.25
"""Seconds that a call may take beyond its deadline (G5)."""

HEALED = 1.0
"""Seconds in which the first call works again (G6)."""

PATIENT = 10.0
"""Seconds of calls that must succeed, and whose time is not what is looked at: a machine may be busy."""

_WHOLE_TEST = 60.0

SOAK = bool(os.environ.get("SOAK"))
"""Whether this is the long run, ``make soak``."""


def share(count: int) -> int:
    """Return ``count`` in a long run and a twentieth of it in the usual one."""
    return count if SOAK else max(1, count // 20)


def draw_seed() -> int:
    """Return the seed of a test's choices: a new one, or that of ``FAULT_SEED``.

    pytest shows it of a test that fails, wherever that is.
    """
    seed = int(os.environ.get("FAULT_SEED") or random.randrange(2**32))
    # Not on the output, which is for what a program of a test tells.
    print(f"FAULT_SEED={seed}", file=sys.stderr)
    return seed


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when the block takes longer; not counted is when this thread has no core to run on.

    ``Stopwatch`` says why that forgives the code nothing.
    """
    watch = Stopwatch()
    yield
    took = watch.taken
    assert took <= seconds, f"it took {took:.3f} s, {seconds:g} s were allowed"


@contextmanager
def healed() -> Iterator[None]:
    """Let the first calls after an outage work in their second, however little time their client gives.

    That is measured as ``within`` does it, and by no deadline: one passes while others have the cores.
    """
    with within(HEALED), deadline(PATIENT):
        yield


@asynccontextmanager
async def connected(backend: B) -> AsyncIterator[B]:
    """Give a backend whose calls have little time, and its first connect all that it takes."""
    with deadline(PATIENT):
        await backend.connect()

    async with backend:
        yield backend


def unhurried(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """Let the calls of a test have all the time they take, where no deadline is to end one."""

    @wraps(test)
    async def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with deadline(_WHOLE_TEST):
            await test(*args, **kwargs)

    return run
