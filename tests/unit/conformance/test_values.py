"""The comparison of the checks sees what ``==`` overlooks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from infrastructure.conformance._values import PROBES, same

NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - naive on purpose
NAN = float("nan")


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_the_same_as_itself_only(name: str) -> None:
    """Of all probes it equals itself alone, and no container of itself."""
    value = PROBES[name]
    assert [other for other, found in PROBES.items() if same(value, found)] == [name]
    assert not same(value, [value])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (Decimal("1.0"), Decimal("1.00")),
        ([1], (1,)),
        ({1}, frozenset({1})),
        ({1}, {True}),
        ({1: 2}, {1.0: 2}),
        ({1: 2}, {1: 2.0}),
        ([1], [1, 2]),
        (NAIVE, NAIVE.replace(tzinfo=UTC)),
        (NAIVE, NAIVE.replace(fold=1)),
        (NAIVE.replace(tzinfo=UTC), NAIVE.replace(tzinfo=ZoneInfo("UTC"))),
        (NAIVE.replace(tzinfo=UTC), NAIVE.replace(tzinfo=timezone(timedelta(0), "Z"))),
        (time(1), time(1, fold=1)),
    ],
)
def test_what_is_equal_may_differ(left: Any, right: Any) -> None:
    """In type, sign, exponent, zone or fold, at any depth."""
    assert not same(left, right)
    assert not same([{"a": (left,)}], [{"a": (right,)}])


def test_what_is_not_equal_may_be_the_same() -> None:
    """Nan is nan; the order of sets and dicts does not count."""
    assert same([NAN, {NAN: 1}], [float("nan"), {float("nan"): 1}])
    assert same({"a": 1, "b": 2}, {"b": 2, "a": 1})
