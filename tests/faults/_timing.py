"""How long something may take, and how large a run of the fault tests is."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from infrastructure.conformance._stopwatch import Stopwatch

__all__ = ["HEALED", "SLACK", "SOAK", "draw_seed", "share", "within"]

SLACK = 0.25
"""Seconds that a call may take beyond its deadline (G5)."""

HEALED = 1.0
"""Seconds in which the first call works again (G6)."""

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
