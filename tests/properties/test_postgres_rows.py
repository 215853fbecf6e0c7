"""Rows as binary COPY and as arrays carry them: what the exact encoders give, to the first row that has none."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from infrastructure.interfaces.exceptions import InfrastructureError
from infrastructure.storage.postgres._columns import columns_of
from infrastructure.storage.postgres._copy import CopyFormat, CopyStream
from infrastructure.storage.postgres._feed import Feed
from infrastructure.storage.postgres._unnest import ArrayFormat
from infrastructure.storage.postgres.values import TextInput, encoder_of

Cells = list[bytes | None]

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)


class Colour(StrEnum):
    """A subclass of str."""

    RED = "red"


class Whole(int):
    """A subclass of int."""


class NoTime(datetime):
    """What pandas.NaT is: a datetime that is equal to nothing, and less anything is none."""

    __hash__ = datetime.__hash__

    def __ne__(self, _other: object) -> bool:
        return True

    def __sub__(self, _other: Any) -> Any:
        return timedelta(1)


INT2, INT4, INT8, TEXT, VARCHAR, FLOAT4, FLOAT8 = 21, 23, 20, 25, 1043, 700, 701
BOOL, BYTEA, DATE, TIMESTAMP, TIMESTAMPTZ, INTERVAL = 16, 17, 1082, 1114, 1184, 1186
NUMERIC, UUIDS, JSONB, INT4S = 1700, 2950, 3802, 1007

NAIVE = st.datetimes()
AWARE = st.datetimes(timezones=st.just(UTC))
RIGHT: dict[int, st.SearchStrategy[Any]] = {
    BOOL: st.booleans(),
    BYTEA: st.binary(max_size=9),
    INT2: st.integers(-(2**15), 2**15 - 1),
    INT4: st.integers(-(2**31), 2**31 - 1),
    INT8: st.integers(-(2**63), 2**63 - 1),
    TEXT: st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
    VARCHAR: st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
    FLOAT4: st.floats(width=32) | st.integers(-9, 9),
    FLOAT8: st.floats() | st.integers(-(2**70), 2**70),
    DATE: st.dates(),
    TIMESTAMP: NAIVE,
    TIMESTAMPTZ: AWARE,
    INTERVAL: st.timedeltas(),
    NUMERIC: st.decimals(allow_nan=False) | st.integers() | st.floats(allow_nan=False),
    UUIDS: st.uuids(),
    JSONB: st.dictionaries(st.text("ab"), st.integers(0, 9), max_size=2),
    INT4S: st.lists(st.integers(0, 9), max_size=3),
}
ANYTHING = st.sampled_from(
    [
        *(True, False, 0, 1, -1, 2**15, 2**31, 2**63, 2**64, Whole(7), 1.5, float("nan"), 1e300),
        *("", "x", "a\0b", "\ud800", "سلام\u200c", Colour.RED, b"", b"\0", bytearray(b"x")),
        *(date(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC)),  # noqa: DTZ001
        *(timedelta(1), Decimal("1.10"), Decimal("NaN"), UUID(int=1), [1], (1,), {"a": 1}, {1}),
        *(object(), None, NoTime(2024, 1, 1), NoTime(2024, 1, 1, tzinfo=UTC)),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[int, ...], list[Any]]:
    """Some types, and rows for them, of which a few may be wrong."""
    oids = tuple(draw(st.lists(st.sampled_from(sorted(RIGHT)), min_size=1, max_size=4)))
    right = st.tuples(*(RIGHT[oid] | st.none() for oid in oids))
    rows = draw(st.lists(right | right.map(list), max_size=12))

    if rows and draw(st.booleans()):
        position = draw(st.integers(0, len(rows) - 1))
        row = list(rows[position])
        row[draw(st.integers(0, len(oids) - 1))] = draw(ANYTHING)
        rows[position] = draw(st.sampled_from([row, tuple(row), row[1:], [*row, 1], iter(row), {}]))

    return oids, rows


def expected(oids: tuple[int, ...], rows: list[Any]) -> list[Cells]:
    """What the encoders of single values give, up to the first row that has something else."""
    made = []

    for row in rows:
        if not isinstance(row, (list, tuple)) or len(row) != len(oids):
            break

        try:
            made.append([encoder_of(oid)(value) for oid, value in zip(oids, row, strict=True)])  # type: ignore[misc]
        except (InfrastructureError, TextInput):
            break

    return made


def cells(data: bytes, count: int) -> Iterator[bytes | None]:
    """Read that many values with their lengths before them."""
    position = 0

    for _ in range(count):
        (length,) = struct.unpack_from("!i", data, position)
        position += 4
        yield None if length < 0 else data[position : position + length]
        position += max(0, length)

    assert position == len(data)


def copied(data: bytes, width: int) -> list[Cells]:
    """Read the rows of a binary COPY."""
    assert data.startswith(HEADER)
    assert data.endswith(b"\xff\xff")
    rest, rows = data[len(HEADER) : -2], []

    while rest:
        (count,) = struct.unpack_from("!h", rest)
        assert count == width
        end = 2

        for _ in range(count):
            end += 4 + max(0, struct.unpack_from("!i", rest, end)[0])

        rows.append(list(cells(rest[2:end], count)))
        rest = rest[end:]

    return rows


@given(tables())
def test_a_copy_carries_what_the_encoders_give(table) -> None:
    """Each value is looked at as a parameter is; what cannot go is given back, in its order."""
    oids, rows = table
    right = expected(oids, rows)
    columns = columns_of(oids)
    assert columns is not None
    feed = Feed(rows)
    stream = CopyStream(CopyFormat(columns), feed)
    assert copied(b"".join(stream.rest()), len(oids)) == right
    assert stream.refused == (len(right) < len(rows))
    assert feed.position == len(right)
    assert [row is given for row, given in zip(rows[len(right) :], feed.next(99), strict=True)] == [
        True
    ] * (len(rows) - len(right))


@given(tables())
def test_arrays_carry_what_the_encoders_give(table) -> None:
    """The items of a column's array, with the type that the column has."""
    oids, rows = table
    right = expected(oids, rows)
    columns = columns_of(oids)
    assert columns is not None
    feed, written = Feed(rows), ArrayFormat(columns, oids)

    # So many at a time as the clock allows.
    while (carried := written.add(feed)) and not feed.ended:
        pass

    assert carried == (len(right) == len(rows))
    assert written.rows == rows[: len(right)]

    for position, data in enumerate(written.arrays()):
        assert struct.unpack_from("!iiiii", data) == (1, 1, oids[position], len(right), 1)
        items = list(cells(data[20:], len(right)))
        assert items == [row[position] for row in right]


@pytest.mark.parametrize(
    ("oid", "value"),
    [(TIMESTAMPTZ, NoTime(2024, 1, 1, tzinfo=UTC)), (TIMESTAMP, NoTime(2024, 1, 1)), (INT8, True)],
)
def test_what_only_looks_like_a_value_is_given_back(oid, value) -> None:
    """The C code would take it."""
    columns = columns_of((oid,))
    assert columns is not None
    stream = CopyStream(CopyFormat(columns), Feed([[None], [value]]))
    assert copied(b"".join(stream.rest()), 1) == [[None]]
    assert stream.refused


@pytest.mark.parametrize("count", [127, 128, 129, 499, 500, 501, 2500])
def test_many_rows_are_carried_in_order(count) -> None:
    """Over the edges of every part, one NULL and one int among floats apart."""
    rows = [(number, float(number), None if number % 7 else "x") for number in range(count)]
    rows[count // 2] = (count // 2, 5, "y")  # type: ignore[call-overload]
    columns = columns_of((INT4, FLOAT8, TEXT))
    assert columns is not None
    stream = CopyStream(CopyFormat(columns), Feed(iter(rows)))
    data = b"".join(stream.rest())
    assert copied(data, 3) == expected((INT4, FLOAT8, TEXT), rows)

    feed, written = Feed(iter(rows)), ArrayFormat(columns, (INT4, FLOAT8, TEXT))

    while not feed.ended:
        assert written.add(feed)

    assert written.rows == rows


def test_a_type_that_is_known_as_text_only_is_not_carried() -> None:
    """No COPY and no arrays for it."""
    assert columns_of((INT4, 869)) is None
