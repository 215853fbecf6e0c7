"""Answers to some questions in the place of earlier ones: what was not asked stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from ._loading import benchmark

merge = benchmark("_merge")
report = benchmark("_report")
verdict = benchmark("_verdict")


def answers(rounds: int, **ratios: float) -> Any:
    """Return what a run found that asked these questions."""
    return report.Answers(
        machine={"cores": "2"},
        rounds=rounds,
        asks={name: f"what {name} is" for name in ratios},
        comparisons=[
            verdict.Comparison(question=name, peer="peer", ratio=verdict.spread([ratio]))
            for name, ratio in ratios.items()
        ],
        stalls=[verdict.Stall(question=name, wall=0.1, cpu=0.1, noise=0.1) for name in ratios],
    )


def test_what_is_written_is_read() -> None:
    """All of it, without the verdicts, which follow."""
    found = answers(5, one=1.0, two=2.0)
    assert merge.from_json(report.as_json(found)) == found


def test_newer_ones_take_the_place_of_older_ones() -> None:
    """In the order of the catalogue; a question that is no longer asked is gone."""
    before = answers(5, gone=0.5, one=1.0, three=3.0)
    found = merge.merged(before, answers(5, three=3.5, two=2.5), ["one", "two", "three"])
    assert found == answers(5, one=1.0, two=2.5, three=3.5)


def test_rounds_are_those_of_the_rest() -> None:
    """Else the page would say of some what is true of others."""
    with pytest.raises(ValueError, match=r"5 rounds.*9"):
        merge.merged(answers(5, one=1.0), answers(9, two=2.0), ["one", "two"])
