"""What is kept in the process is out of everybody's reach, and comes back exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from infrastructure._core.frozen import Frozen, freeze, size_in_memory
from infrastructure.conformance._values import PROBES, same
from infrastructure.interfaces import ValidationError

ROW = {"sensor": "roof", "at": datetime(2024, 1, 2, tzinfo=UTC), "value": Decimal("1.50")}
SHAPES: dict[str, Any] = {
    "row": ROW,
    "rows": [ROW, dict(ROW)],
    "lists in a dict": {"a": [1, 2], "b": {3}, "c": "x"},
    "sets in a list": [{1}, 2, {"k": 3}],
    "three levels": {"a": {"b": {"c": [1]}}},
    "a tuple of lists": ([1], [2]),
    "a list of tuples": [(1, [2])],
    "a set of tuples": {(1, 2)},
    "nothing in it": [],
}


def thaw(kept: Any) -> Any:
    """Return the value again, as the caches do."""
    return kept.thaw() if isinstance(kept, Frozen) else kept


def spoil(value: Any) -> None:
    """Change a container and every container in it, as a careless caller would."""
    if isinstance(value, (list, tuple)):
        for part in value:
            spoil(part)
    elif isinstance(value, dict):
        for part in value.values():
            spoil(part)

    if isinstance(value, (list, dict, set)):
        value.clear()


@pytest.mark.parametrize("name", PROBES)
def test_every_type_comes_back_exactly(name: str) -> None:
    """Whether it is kept as it is, copied or encoded."""
    assert same(thaw(freeze(PROBES[name])), PROBES[name])


@pytest.mark.parametrize("name", SHAPES)
def test_nobody_reaches_what_is_kept(name: str) -> None:
    """Neither who gave it nor who got it: each has a value of its own, at every depth."""
    given = Frozen(SHAPES[name]).thaw()
    kept = Frozen(given)
    spoil(given)
    first = kept.thaw()
    assert same(first, SHAPES[name])
    spoil(first)
    assert same(kept.thaw(), SHAPES[name])


def test_a_row_and_rows_are_copied_and_deeper_values_encoded() -> None:
    """A scalar of a copy is the very object, one of an encoded value is not."""
    kept = {name: Frozen(value).thaw() for name, value in SHAPES.items()}
    assert kept["row"]["at"] is ROW["at"]
    assert kept["rows"][0]["at"] is ROW["at"]
    deep = Frozen({"a": [[ROW]]}).thaw()
    assert deep["a"][0][0]["at"] is not ROW["at"]


def test_what_nobody_can_change_is_kept_as_it_is() -> None:
    """Nothing is made for it."""
    text = "سلام"
    assert freeze(text) is text


@pytest.mark.parametrize("value", [{"a": object()}, [[1], object()], {"a": "\ud800"}, object()])
def test_what_the_codec_refuses_is_refused(value: Any) -> None:
    """A copy could carry it: the promise is the same everywhere."""
    with pytest.raises(ValidationError):
        freeze(value)


def test_the_size_in_memory_counts_all_parts() -> None:
    """Or a cache would hold more than max_bytes."""
    large = "x" * 10_000

    for value in (
        large,
        [large],
        {large: 1},
        {"k": large},
        [[large]],
        {"k": {large: 1}},
        [[[large]]],
    ):
        assert 10_000 < size_in_memory(freeze(value)) < 12_000
