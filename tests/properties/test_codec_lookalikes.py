"""Values that look alike stay apart, and damaged data is never read as another value."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from infrastructure._core.codec import JsonCodec, decode, encode
from infrastructure.conformance._values import same
from infrastructure.interfaces import OperationError, ValidationError

from .values import any_values, keys, text, values

_MIDNIGHT = datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 - naive on purpose
_BERLIN = ZoneInfo("Europe/Berlin")
_ID = UUID(int=5)

FAMILIES: list[list[Any]] = [
    [1, True, 1.0, Decimal(1), Decimal("1.0"), "1", b"1", timedelta(microseconds=1)],
    [0, False, 0.0, -0.0, Decimal(0), Decimal("-0"), Decimal("0E+1"), None, "", b"", timedelta(0)],
    [float("nan"), Decimal("NaN"), Decimal("-NaN"), Decimal("sNaN"), Decimal("NaN1"), "nan"],
    [float("inf"), float("-inf"), Decimal("Infinity"), "inf"],
    [2**63, float(2**63), Decimal(2**63), str(2**63), 2**64, -(2**63)],
    [[], (), set(), frozenset(), {}, None, [[]], [()], ([],)],
    [[1, 2], (1, 2), {1, 2}, frozenset({1, 2}), {1: 2}, [(1, 2)], {1: None, 2: None}],
    [{1: 0}, {True: 0}, {1.0: 0}, {"1": 0}, {b"1": 0}, {Decimal(1): 0}, [[1, 0]]],
    [_ID, str(_ID), _ID.bytes, _ID.int, _ID.hex],
    [
        _MIDNIGHT,
        _MIDNIGHT.replace(fold=1),
        _MIDNIGHT.replace(tzinfo=UTC),
        _MIDNIGHT.replace(tzinfo=ZoneInfo("UTC")),
        _MIDNIGHT.replace(tzinfo=timezone(timedelta(0), "zero")),
        _MIDNIGHT.replace(tzinfo=_BERLIN),
        _MIDNIGHT.replace(tzinfo=_BERLIN, fold=1),
        _MIDNIGHT.replace(tzinfo=timezone(timedelta(hours=2))),
        _MIDNIGHT.isoformat(),
    ],
    [date(2024, 1, 1), datetime(2024, 1, 1), "2024-01-01"],  # noqa: DTZ001 - naive on purpose
    [time(2), time(2, fold=1), time(2, tzinfo=UTC), time(2, tzinfo=_BERLIN), timedelta(hours=2)],
]
NESTS: list[Callable[[Any], Any]] = [
    lambda value: value,
    lambda value: [value],
    lambda value: (None, value),
    lambda value: {"key": value},
    lambda value: {1: [value], "x": ()},
    lambda value: [[((value,),)]],
]
pairs = st.sampled_from(FAMILIES).flatmap(
    lambda family: st.lists(
        st.sampled_from(range(len(family))), min_size=2, max_size=2, unique=True
    ).map(lambda chosen: [family[at] for at in chosen])
)
nests = st.lists(st.sampled_from(NESTS), max_size=4)


@given(pairs, nests)
def test_look_alikes_are_kept_apart(pair: list[Any], around: list[Callable[[Any], Any]]) -> None:
    """However deep they are nested, and each comes back as itself."""
    one, other = pair

    for nest in around:
        one, other = nest(one), nest(other)

    assert not same(one, other)
    assert encode(one) != encode(other)
    assert same(decode(encode(one)), one)
    assert same(decode(encode(other)), other)


@given(keys, nests)
def test_a_key_of_a_dict_keeps_its_type(key: Any, around: list[Callable[[Any], Any]]) -> None:
    """Under every type that a key may have."""
    value: Any = {key: key}

    for nest in around:
        value = nest(value)

    assert same(decode(encode(value)), value)


@given(values, st.data())
def test_cut_data_is_an_operation_error(value: Any, data: Any) -> None:
    """Wherever it was cut."""
    packed = encode(value)
    cut = data.draw(st.integers(0, len(packed) - 1))

    with pytest.raises(OperationError):
        decode(packed[:cut])


@given(any_values(depth=2) | st.lists(st.integers() | text | st.none()))
def test_json_bends_nothing_to_fit(value: Any) -> None:
    """What it takes comes back exactly; the rest it refuses."""
    with contextlib.suppress(ValidationError):
        assert same(JsonCodec().decode(JsonCodec().encode(value)), value)


@given(st.binary(max_size=40) | text.map(str.encode))
def test_any_bytes_are_json_or_an_operation_error(data: bytes) -> None:
    """No other exception comes out of decode."""
    with contextlib.suppress(OperationError):
        JsonCodec().decode(data)
