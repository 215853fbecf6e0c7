"""How much of a ttl may be left by now."""

from __future__ import annotations

import math
from typing import Any

from .._harness import CachingHarness
from .._stopwatch import Stopwatch

__all__ = ["Passing"]


class Passing:
    """The seconds that a backend has seen pass since a key was set; to be made before that.

    ``least``  those that it was let see: what has expired then must be gone.
    ``most``   those that it may have seen: a machine that had no time for the check is no fault
               of the cache, and only what has not expired then must be there.
    """

    def __init__(self, harness: CachingHarness) -> None:
        self.least = 0.0
        self._harness = harness
        self._watch = Stopwatch()

    @property
    def most(self) -> float:
        """Return the seconds that may have passed."""
        # Where the clock is not a real one it may be ahead.
        return max(self.least, self._watch.passed)

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        await self._harness.advance(seconds)
        self.least += seconds

    def lives(self, found: Any, ttl: int) -> None:
        """Fail where the key that was set to 1 was found gone before its time."""
        assert found == 1 or (found is None and self.most >= ttl), "it was gone before its time"

    def left(self, shown: Any, ttl: int) -> None:
        """Fail where ``shown`` is not what is left of ``ttl``, rounded up; 0 never is."""
        least, most = math.ceil(ttl - self.most), math.ceil(ttl - self.least)
        told = f"{ttl - self.least:g} s are left, ttl gave {shown!r}"
        is_gone = shown is None and self.most >= ttl
        assert is_gone or (type(shown) is int and max(1, least) <= shown <= most), told
