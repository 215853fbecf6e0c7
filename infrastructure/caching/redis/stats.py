"""What a near cache has done so far."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NearStats"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NearStats:
    """A snapshot of the counters of a near cache.

    ``entries``  values that would be served now.
    ``hits``     values served without asking the server.
    ``drops``    values dropped because they were changed, here or elsewhere.
    ``flushes``  times that all values were dropped: a link was lost or did not answer.
    """

    entries: int = 0
    hits: int = 0
    drops: int = 0
    flushes: int = 0
