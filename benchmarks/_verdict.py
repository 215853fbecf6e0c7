"""The arithmetic of the answers: medians, ratios round by round, quartiles, met or short."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["STALL_TARGET", "Comparison", "Sample", "Spread", "Stall", "compare", "spread"]

STALL_TARGET = 0.005
"""Seconds for which ours may hold the event loop, where a question does not allow others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One run: seconds by the clock and of the processor, for each operation."""

    wall: float
    cpu: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """What several rounds gave: half of them lie between the quartiles."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Ours beside one peer: ``ratio`` is how many times as fast, or of a fact how much as large.

    ``cpu``      the same ratio by processor time, in which other processes have no share.
    ``latency``  whether it is latencies that are compared, ``ours`` and ``theirs`` one a second
                 divided by them.
    ``unit``     of ``ours`` and ``theirs`` where they are sizes.
    """

    question: str
    peer: str
    ratio: Spread
    cpu: float | None = None
    ours: float | None = None
    theirs: float | None = None
    target: float | None = None
    at_most: bool = False
    latency: bool = False
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the target; ``None`` where there is none."""
        if self.target is None:
            return None

        median = self.ratio.median
        return median <= self.target if self.at_most else median >= self.target


@dataclass(frozen=True, kw_only=True, slots=True)
class Stall:
    """The longest that ours held the loop: seconds of its thread's work, and by the clock.

    ``wall`` is the least of several passes, ``noise`` the longest gap while nothing ran: other
    processes have a share in both. Where ``wall`` is far above both others, the loop waited:
    for a disk, or for the interpreter's lock.
    """

    question: str
    wall: float
    cpu: float
    noise: float
    target: float = STALL_TARGET

    @property
    def met(self) -> bool:
        """Whether the work is short enough; the clock belongs to the whole machine."""
        return self.cpu <= self.target


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles."""
    if len(values) == 1:
        return Spread(median=values[0], low=values[0], high=values[0])

    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median=median, low=low, high=high)


def compare(
    question: str,
    peer: str,
    ours: Sequence[Sample],
    theirs: Sequence[Sample],
    target: float | None = None,
    *,
    latency: bool = False,
) -> Comparison:
    """Return how many times as fast ours is: the median of the ratios of each round.

    Neighbours in time are compared, so a machine that slows down half-way spoils no ratio.
    """
    rounds = list(zip(ours, theirs, strict=True))
    # The processor time of a run is no part of a latency.
    cpu = None if latency else statistics.median(their.cpu / our.cpu for our, their in rounds)
    return Comparison(
        question=question,
        peer=peer,
        ratio=spread([their.wall / our.wall for our, their in rounds]),
        cpu=cpu,
        ours=1 / statistics.median(sample.wall for sample in ours),
        theirs=1 / statistics.median(sample.wall for sample in theirs),
        target=target,
        latency=latency,
    )
