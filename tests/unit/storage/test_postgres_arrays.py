"""Lists, tuples and sets as PostgreSQL's arrays, without a server."""

from __future__ import annotations

import struct
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage.postgres.values import Parameters, encoder_of
from infrastructure.storage.postgres.values._oids import ARRAYS

ENUMS = 16_386


def encode(name: str, value: Any) -> tuple[bytes | None, int]:
    values, formats = Parameters([ARRAYS[name]]).encode([value])
    return values[0], formats[0]


@pytest.mark.parametrize("value", [[1, 2], (1, 2), {1, 2}, frozenset({1, 2})])
def test_a_list_a_tuple_and_a_set_are_arrays(value) -> None:
    """Of one dimension that begins at 1."""
    assert encode("INTEGER", value) == (struct.pack("!9i", 1, 0, 23, 2, 1, 4, 1, 4, 2), 1)


@pytest.mark.parametrize("value", [[], (), set(), [[], []]])
def test_an_empty_one_has_no_dimension(value) -> None:
    """However deep it is."""
    assert encode("INTEGER", value) == (struct.pack("!3i", 0, 0, 23), 1)


def test_lists_in_a_list_are_dimensions() -> None:
    """And None is NULL."""
    data = struct.pack("!7i", 2, 1, 21, 2, 1, 1, 1)
    assert encode("SMALLINT", [[1], (None,)]) == (data + struct.pack("!ihi", 2, 1, -1), 1)


@pytest.mark.parametrize("name", ["INTEGER", "BIGINT", "DOUBLE PRECISION", "TEXT", "VARCHAR"])
def test_plain_items_go_as_any_others_do(name) -> None:
    """The short way for a list of one type writes the same."""
    plain: list[Any] = {"TEXT": ["a", "سلام"], "DOUBLE PRECISION": [1.5, -0.0]}.get(name, [1, 2])
    plain = list(map(str, plain)) if name == "VARCHAR" else plain
    one = encoder_of(ARRAYS[name])([plain[0]])
    both = encoder_of(ARRAYS[name])(plain)
    assert one[20:] == both[20 : len(one)]
    assert both[20:] == encoder_of(ARRAYS[name])([*plain, None])[20:-4]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTEGER", [1, True]),
        ("INTEGER", [2**31]),
        ("INTEGER", [[1], [2, 3]]),
        ("INTEGER", [[1], None]),
        ("INTEGER", [[1], 2]),
        ("INTEGER", [[[[[[[1]]]]]]]),
        ("INTEGER", 5),
        ("INTEGER", {1: 2}),
        ("INTEGER", [UUID(int=1)]),
        ("INTEGER", ["1", b"2"]),
        ("TEXT", [1]),
        ("TEXT", ["a\0b"]),
        ("TEXT", ["\ud800"]),
        ("BYTEA", ["a"]),
        ("DATE", ["2024-01-01", 5]),
        ("inet", [1]),
        ("JSONB", [{1: 2}]),
    ],
)
def test_what_is_no_array_of_the_type_is_refused(name, value) -> None:
    """Ragged ones, too deep ones, items of another type, and other things than arrays."""
    with pytest.raises(ValidationError, match=r"^\$1: "):
        encode(name, value)


def test_a_list_in_itself_is_refused() -> None:
    """It has more dimensions than any array."""
    endless: list[Any] = [1]
    endless[0] = endless

    with pytest.raises(ValidationError, match="dimensions"):
        encode("INTEGER", endless)


def test_a_text_among_the_items_is_read_by_the_server() -> None:
    """All of the array goes as text then, each item as its type is written."""
    for name, value, text in (
        ("INTEGER", ["5", 6, None], '{"5","6",NULL}'),
        ("DOUBLE PRECISION", [["1"], [2.5]], '{{"1"},{"2.5"}}'),
        ("NUMERIC", [Decimal("1.10"), "2"], '{"1.10","2"}'),
        ("BOOLEAN", [True, False, "on"], '{"true","false","on"}'),
        ("DATE", ["infinity", date(2024, 1, 2)], '{"infinity","2024-01-02"}'),
        ("INTERVAL", ["1 mon", timedelta(-1, 2, 3)], None),
        ("INTEGER", "{1,2}", "{1,2}"),
        ("inet", ["::1", None], '{"::1",NULL}'),
        ("xml", ['a"\\'], '{"a\\"\\\\"}'),
    ):
        data, form = encode(name, value)
        wanted = text or '{"1 mon","-1 days +2 seconds +3 microseconds"}'
        assert (data, form) == (wanted.encode(), 0)


def test_an_array_of_a_type_of_the_database_takes_texts() -> None:
    """``= ANY($1)`` with the labels of an enum."""
    parameters = Parameters([ENUMS])
    assert parameters.encode([["a", None]]) == ([b'{"a",NULL}'], [0])
    assert parameters.encode(["{a}"]) == ([b"{a}"], [0])


def test_json_takes_lists_as_items() -> None:
    """A list inside is a JSON array, no dimension."""
    data, form = encode("JSONB", [[1], {"a": 2}])
    assert form == 1
    assert (
        data
        == struct.pack("!6i", 1, 0, 3802, 2, 1, 4) + b"\1[1]" + struct.pack("!i", 8) + b'\1{"a":2}'
    )


def test_a_number_out_of_range_is_left_to_the_server() -> None:
    """As one that stands alone is."""
    assert encode("REAL", [1e39, 1.5]) == (b'{"1e+39","1.5"}', 0)

    with pytest.raises(OperationError):
        encoder_of(ARRAYS["REAL"])([1e39])
