"""Measures how long something took, and how long of that the machine was busy with others."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

__all__ = ["Stopwatch"]

_SCHEDSTAT: Final = Path("/proc/thread-self/schedstat")


class Stopwatch:
    """Starts when it is made; to be read on the thread that made it.

    A promise to end in time is one about the code, not about how many programs share the
    machine: a limit is compared with ``taken``. That is no looser. Whatever the code waits for
    (an answer, a timer, a lock, another thread) and whatever it computes, a collection of garbage
    too, counts in full. Left out is only that the thread could have run and each core was
    another's; code that is slow has no way to spend its time there.
    """

    __slots__ = ("_began", "_queued")

    def __init__(self) -> None:
        self._began, self._queued = _reading()

    @property
    def passed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    @property
    def taken(self) -> float:
        """Those seconds, less the ones in which this thread was ready to run and had no core."""
        now, queued = _reading()
        return (now - self._began) - (queued - self._queued)


def _reading() -> tuple[float, float]:
    """Return the time, and the seconds waited for a core until then: none between the two readings."""
    while True:
        queued, now = _queued(), time.monotonic()

        if _queued() == queued:
            return now, queued


def _queued(schedstat: Path = _SCHEDSTAT) -> float:
    """Return the seconds that this thread has waited for a core; 0 where no system counts them."""
    try:
        # Time on a core, time waiting for one (both in ns), and how often it got one.
        return int(schedstat.read_bytes().split()[1]) / 1e9
    except FileNotFoundError:
        return 0.0
