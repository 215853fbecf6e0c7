"""When the next batch may leave: of those on their way some wait for a leader that is away."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import islice
from time import monotonic

from ..._core.outage import OutageLog
from ._publication import Batch

__all__ = ["BATCHES", "Pace"]

BATCHES = 2
"""Batches that may be unacknowledged: while one is on its way the next gathers."""

_PATIENCE = (0.01, 0.05)
"""Seconds after which a batch no longer holds up others: the leader of its partition may be away.

Not less than the first, where brokers answer fast, and not more than the second."""

_TIMES = 4
"""As many times as long as the last one took it is waited for."""

_PROBING = 0.2
"""Seconds between two batches while no broker could be reached: the first call after it has one second."""

_LATE = 0.5
"""Seconds after which a batch of a topic that has one at a time is waited for no more."""

_DOUBLING = 0.5
"""Seconds of an outage in which the size of the probing batches doubles."""

_DOUBLED = 16
"""Times at most that it does."""


class Pace:
    """Looks at the ``batches`` on their way, which are in the order in which they left."""

    def __init__(self, batches: dict[Batch, None], outage: OutageLog) -> None:
        self._batches = batches
        self._outage = outage
        self._patience = _PATIENCE[1]

    def ended(self, batch: Batch) -> None:
        """Note that all of a batch has been reported."""
        least, most = _PATIENCE
        took = monotonic() - batch.since

        # One that waited for a leader says nothing of the others.
        if took < most:
            self._patience = min(most, max(least, _TIMES * took))

    def delay(self) -> float:
        """Return the seconds until the next batch may leave; 0: it may now."""
        # While no broker can be reached one at a time finds out when they are back. Not always the
        # same one: the leader that it waits for may be the last to come.
        probes = self._outage.is_open
        most, patience = (1, _PROBING) if probes else (BATCHES, self._patience)

        if len(self._batches) < most:
            return 0.0

        # The one that has to have left so long ago that fewer than that many hold up others.
        limiting = next(islice(reversed(self._batches), most - 1, None))
        return max(0.0, limiting.since + patience - monotonic())

    def until_late(self, batches: Iterable[Batch]) -> float:
        """Return the seconds until nobody is to wait for these, not even who should go alone."""
        youngest = max((batch.since for batch in batches), default=-math.inf)
        return max(0.0, youngest + _LATE - monotonic())

    def room(self, share: int) -> int:
        """Return how many messages the next batch has at most."""
        if not self._outage.is_open:
            return share

        # What was not handed over by its deadline is known not to be stored.
        doubled = int(len(self._batches) * _PROBING / _DOUBLING)
        return min(share, 1 << min(doubled, _DOUBLED))
