"""Puts the answers of some questions in the place of those that were given before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ._report import Answers
from ._verdict import Comparison, Spread, Stall

__all__ = ["from_json", "merged"]


def from_json(text: str) -> Answers:
    """Return what ``as_json`` wrote."""
    told: dict[str, Any] = json.loads(text)
    return Answers(
        machine=told["machine"],
        rounds=told["rounds"],
        asks=told["asks"],
        comparisons=[
            Comparison(**{**_given(row), "ratio": Spread(**row["ratio"])})
            for row in told["comparisons"]
        ],
        stalls=[Stall(**_given(row)) for row in told["stalls"]],
    )


def _given(row: dict[str, Any]) -> dict[str, Any]:
    # The verdict follows from the rest.
    return {name: value for name, value in row.items() if name != "met"}


def merged(before: Answers, now: Answers, names: Sequence[str]) -> Answers:
    """Return the answers to the questions of these ``names``, the newer ones where there are two.

    Raises ``ValueError`` where they have different numbers of rounds.
    """
    if before.rounds != now.rounds:
        msg = f"what is there has {before.rounds} rounds, what was asked now {now.rounds}"
        raise ValueError(msg)

    order = {name: number for number, name in enumerate(names)}
    kept = [each for each in before.comparisons if _stays(each, now, order)]
    stalls = [each for each in before.stalls if _stays(each, now, order)]
    asks = {**before.asks, **now.asks}
    return Answers(
        machine={**before.machine, **now.machine},
        rounds=now.rounds,
        asks={name: asks[name] for name in names if name in asks},
        comparisons=sorted([*kept, *now.comparisons], key=lambda each: order[each.question]),
        stalls=sorted([*stalls, *now.stalls], key=lambda each: order[each.question]),
    )


def _stays(row: Comparison | Stall, now: Answers, order: dict[str, int]) -> bool:
    return row.question in order and row.question not in now.asks
