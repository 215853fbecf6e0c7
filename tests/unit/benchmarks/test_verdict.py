"""Medians, ratios and verdicts are what they say."""

from __future__ import annotations

from typing import Any

import pytest

from ._loading import benchmark

verdict = benchmark("_verdict")


def samples(*seconds: float, cpu: float = 1.0) -> list[Any]:
    """Return one sample for each round."""
    return [verdict.Sample(wall=wall, cpu=cpu) for wall in seconds]


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """Each round is compared with itself: one in which everything was slow changes nothing."""
    found = verdict.compare("q", "peer", samples(1, 1, 10), samples(2, 3, 40))

    assert found.ratio.median == 3
    assert (found.ours, found.theirs) == (1, 1 / 3)


def test_a_ratio_by_processor_time_ignores_the_clock() -> None:
    """It is the peer's processor time over ours, whatever the clock said."""
    found = verdict.compare("q", "peer", samples(9, 1, cpu=2), samples(1, 9, cpu=8))

    assert found.cpu == 4


def test_a_latency_has_no_processor_time() -> None:
    """The ratio is that of the latencies; the work of a run says nothing about them."""
    found = verdict.compare("q", "peer", samples(1, 2), samples(3, 6), latency=True)

    assert (found.ratio.median, found.cpu, found.latency) == (3, None, True)


def test_the_spread_is_the_quartiles() -> None:
    """Half of the values lie between them; a single value has no spread."""
    assert verdict.spread([1, 2, 3, 4, 100]) == verdict.Spread(median=3, low=2, high=4)
    assert verdict.spread([7]) == verdict.Spread(median=7, low=7, high=7)


@pytest.mark.parametrize(
    ("ratio", "target", "at_most", "met"),
    [
        (3.0, 3.0, False, True),
        (2.99, 3.0, False, False),
        (0.7, 0.7, True, True),
        (0.71, 0.7, True, False),
        (0.1, None, False, None),
    ],
)
def test_a_target_is_met_or_not(
    ratio: float, target: float | None, at_most: bool, met: bool | None
) -> None:
    """Exactly the target is enough, a little less is not; without a target nothing is said."""
    spread = verdict.spread([ratio])
    found = verdict.Comparison(question="q", peer="p", ratio=spread, target=target, at_most=at_most)

    assert found.met is met


def test_as_many_rounds_on_both_sides() -> None:
    """A round that one side has not is an error, not a shorter list."""
    with pytest.raises(ValueError, match="zip"):
        verdict.compare("q", "peer", samples(1, 1), samples(1))


def test_a_stall_is_judged_by_the_work() -> None:
    """The clock, in which other processes have a share, decides nothing."""
    target = verdict.STALL_TARGET

    assert verdict.Stall(question="q", wall=1.0, cpu=target, noise=0.0).met
    assert not verdict.Stall(question="q", wall=0.0, cpu=target * 1.01, noise=1.0).met
    assert verdict.Stall(question="q", wall=0.0, cpu=target * 2, noise=0.0, target=target * 2).met
