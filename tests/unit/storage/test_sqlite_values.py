"""Python values on their way into SQLite and back."""

from __future__ import annotations

import enum
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage._types import ColumnType, parse_type
from infrastructure.storage.sqlite.converters import (
    CAST_CONVERTERS,
    CONVERTERS,
    STANDARD_CONVERTERS,
    register_converters,
)
from infrastructure.storage.sqlite.values import encode_any, encoder_for

TEHRAN = timezone(timedelta(hours=3, minutes=30))
NAIVE = datetime(2024, 5, 1, 12, 30)  # noqa: DTZ001 - naive on purpose
AWARE = datetime(2024, 5, 1, 12, 30, tzinfo=TEHRAN)


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Float(float):
    def __repr__(self) -> str:
        return "Float"


class Time(datetime):
    def isoformat(self, *args: Any, **kwargs: Any) -> str:
        return "odd"


def encode(type_text: str, value: Any) -> Any:
    return encoder_for(parse_type(type_text))(value)


@pytest.mark.parametrize(
    ("type_text", "value", "stored"),
    [
        ("SMALLINT", -32768, -32768),
        ("BIGINT", 2**63 - 1, 2**63 - 1),
        ("BIGINT", Number.ONE, 1),
        ("REAL", 0.1, 0.10000000149011612),
        ("REAL", float("inf"), float("inf")),
        ("DOUBLE PRECISION", 5, 5.0),
        ("DOUBLE PRECISION", Decimal("0.1"), 0.1),
        ("DOUBLE PRECISION", Float(0.5), 0.5),
        ("NUMERIC", Decimal("1.10"), "1.10"),
        ("NUMERIC", Decimal("1E+3"), "1000"),
        ("NUMERIC", Decimal("-0.0"), "0.0"),
        ("NUMERIC", Decimal("1E-10"), "0.0000000001"),
        ("NUMERIC", Decimal("NaN"), "NaN"),
        ("NUMERIC", Decimal("-Infinity"), "-Infinity"),
        ("NUMERIC", 2**100, str(2**100)),
        ("NUMERIC", 0.1, "0.1"),
        ("NUMERIC", Float(0.1), "0.1"),
        ("NUMERIC(4,2)", Decimal("1.005"), "1.01"),
        ("NUMERIC(4,2)", Decimal("-1.005"), "-1.01"),
        ("NUMERIC(4,2)", Decimal("99.994"), "99.99"),
        ("NUMERIC(4,2)", 5, "5.00"),
        ("NUMERIC(4,2)", Decimal("0E+50"), "0.00"),
        (
            "NUMERIC(40,2)",
            Decimal("12345678901234567890123456789012345678.9"),
            "12345678901234567890123456789012345678.90",
        ),
        ("BOOLEAN", True, 1),
        ("TEXT", Colour.RED, "red"),
        ("TEXT", "ن\u200cم", "ن\u200cم"),
        ("VARCHAR(3)", "abc  ", "abc"),
        ("BYTEA", bytearray(b"a\0"), b"a\0"),
        ("BYTEA", memoryview(b"ab"), b"ab"),
        ("DATE", date(1, 2, 3), "0001-02-03"),
        ("TIMESTAMP", NAIVE, "2024-05-01T12:30:00.000000"),
        ("TIMESTAMPTZ", AWARE, "2024-05-01T09:00:00.000000+00:00"),
        ("TIMESTAMPTZ", Time(2024, 5, 1, 12, tzinfo=UTC), "2024-05-01T12:00:00.000000+00:00"),
        ("INTERVAL", timedelta(days=-1, microseconds=1), -86_399_999_999),
        ("UUID", UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ("JSONB", {"a": [1, None, "ن"]}, '{"a":[1,null,"ن"]}'),
        ("JSON", "text", '"text"'),
        ("JSON", True, "true"),
        ("JSON", "\\u0000", '"\\\\u0000"'),
    ],
)
def test_a_value_that_fits_is_stored_so(type_text, value, stored) -> None:
    """Exactly, as a plain class of SQLite's."""
    found = encode(type_text, value)
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize(
    "type_text",
    [
        "SMALLINT",
        "BIGINT",
        "REAL",
        "NUMERIC(3,1)",
        "BOOLEAN",
        "TEXT",
        "VARCHAR(3)",
        "BYTEA",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "INTERVAL",
        "UUID",
        "JSON",
    ],
)
def test_none_fits_everywhere(type_text) -> None:
    """It is NULL, in JSON too."""
    assert encode(type_text, None) is None


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("SMALLINT", 32768),
        ("INTEGER", 2**31),
        ("BIGINT", 2**63),
        pytest.param("BIGINT", 10**5000, id="a huge int"),
        ("BIGINT", True),
        ("BIGINT", 1.0),
        ("BIGINT", "1"),
        ("BIGINT", Decimal(1)),
        ("BOOLEAN", 1),
        ("BOOLEAN", "true"),
        ("REAL", "1"),
        ("REAL", True),
        ("DOUBLE PRECISION", float("nan")),
        pytest.param("DOUBLE PRECISION", 10**5000, id="a huge int for a float"),
        pytest.param("TEXT", 10**5000, id="a huge int for a text"),
        ("NUMERIC", True),
        ("NUMERIC", "1"),
        ("NUMERIC", Decimal("sNaN")),
        ("TEXT", 5),
        ("TEXT", b"a"),
        ("TEXT", UUID(int=1)),
        ("TEXT", "a\0b"),
        ("TEXT", "\ud800"),
        ("BYTEA", "a"),
        ("DATE", NAIVE),
        ("DATE", "2024-01-01"),
        ("TIMESTAMP", AWARE),
        ("TIMESTAMP", date(2024, 1, 1)),
        ("TIMESTAMPTZ", NAIVE),
        ("TIMESTAMPTZ", "2024-01-01T00:00Z"),
        ("INTERVAL", 5),
        ("UUID", str(UUID(int=1))),
        ("JSON", {1: "a"}),
        pytest.param("JSON", [10**5000], id="a huge int in JSON"),
        ("JSON", [float("nan")]),
        ("JSON", {"a": {"b": b"c"}}),
        ("JSON", "a\0"),
        ("JSON", ["\ud800"]),
    ],
)
def test_a_value_of_another_type_is_refused(type_text, value) -> None:
    """Nothing was executed, and the text names both."""
    with pytest.raises(ValidationError) as raised:
        encode(type_text, value)

    assert type_text in raised.value.message or type_text in ("TEXT", "JSON")


def test_nested_json_has_an_end() -> None:
    """A list in itself is refused, not followed."""
    value: list[Any] = []
    value.append(value)

    with pytest.raises(ValidationError):
        encode("JSON", value)


@pytest.mark.parametrize(
    ("type_text", "value", "sqlstate"),
    [
        ("NUMERIC(4,2)", Decimal("99.995"), "22003"),
        ("NUMERIC(4,2)", 100, "22003"),
        ("NUMERIC(4,2)", Decimal("1E+999999"), "22003"),
        ("NUMERIC(4,2)", Decimal("Infinity"), "22003"),
        ("NUMERIC", Decimal("1E+200000"), "22003"),
        ("NUMERIC", Decimal("1E-20000"), "22003"),
        ("REAL", 1e39, "22003"),
        ("DOUBLE PRECISION", Decimal("1E+400"), "22003"),
        ("VARCHAR(3)", "abcd", "22001"),
        ("INTERVAL", timedelta.max, "22003"),
        ("TIMESTAMPTZ", datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))), "22003"),
    ],
)
def test_a_value_out_of_range_is_refused(type_text, value, sqlstate) -> None:
    """With the code that PostgreSQL gives."""
    with pytest.raises(OperationError) as raised:
        encode(type_text, value)

    assert raised.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, None),
        (True, 1),
        (Number.ONE, 1),
        (5, 5),
        (0.5, 0.5),
        (Float(0.5), 0.5),
        ("a", "a"),
        (Colour.RED, "red"),
        (b"a", b"a"),
        (bytearray(b"a"), b"a"),
        (NAIVE, "2024-05-01T12:30:00.000000"),
        (AWARE, "2024-05-01T09:00:00.000000+00:00"),
        (date(2024, 5, 1), "2024-05-01"),
        (timedelta(seconds=1), 1_000_000),
        (Decimal("1.10"), "1.10"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        ({"a": 1}, '{"a":1}'),
        ([1], "[1]"),
    ],
)
def test_a_value_of_no_column_goes_by_its_own_type(value, stored) -> None:
    """In the form of the columns of that type, so that they compare."""
    found = encode_any(value)
    assert found == stored
    assert type(found) is type(stored)


@pytest.mark.parametrize("value", [(1,), {1}, object(), 2**63, float("nan"), "a\0", 1j])
def test_what_sqlite_cannot_take_is_refused(value) -> None:
    """A nan would silently become NULL."""
    with pytest.raises(ValidationError):
        encode_any(value)


@pytest.mark.parametrize(
    ("name", "type_text", "value"),
    [
        ("BOOLEAN_INT", "BOOLEAN", False),
        ("DECIMAL_TEXT", "NUMERIC", Decimal("1.10")),
        ("DATE_TEXT", "DATE", date(1, 1, 1)),
        ("TIMESTAMP_TEXT", "TIMESTAMP", NAIVE),
        ("TIMESTAMPTZ_TEXT", "TIMESTAMPTZ", datetime.min.replace(tzinfo=UTC)),
        ("INTERVAL_US", "INTERVAL", timedelta(days=-3, microseconds=1)),
        ("UUID_TEXT", "UUID", UUID(int=7)),
        ("JSON_TEXT", "JSON", {"ن": [1.5, True, None]}),
        ("JSONB_TEXT", "JSONB", []),
    ],
)
def test_a_value_comes_back_as_it_went(name, type_text, value) -> None:
    """With its exact type."""
    back = CONVERTERS[name](str(encode(type_text, value)).encode())
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [
        ("TIMESTAMPTZ", b"2024-05-01 12:30:00", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("TIMESTAMPTZ", b"1714550000", 1714550000),
        ("TIMESTAMPTZ", b"soon", "soon"),
        ("TIMESTAMP", b"2024-05-01T12:30:00", NAIVE),
        ("DATE", b"2024-05-01", date(2024, 5, 1)),
        ("DATE", b"\xff", b"\xff"),
        ("BOOLEAN", b"1", True),
        ("BOOLEAN", b"7", 7),
        ("NUMERIC", b"1.1", Decimal("1.1")),
        ("NUMERIC", b"x", "x"),
        ("UUID", b"x", "x"),
        ("JSON", b"{", "{"),
        ("JSONB", b"[1]", [1]),
    ],
)
def test_a_plain_table_gives_what_parses(name, stored, value) -> None:
    """And the rest as it is."""
    back = STANDARD_CONVERTERS[name](stored)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("cast", "stored", "value"),
    [
        ("timestamptz", "2024-05-01T09:00:00.000000+00:00", AWARE),
        ("timestamp with time zone", "2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("timestamp", "2024-05-01T12:30:00+00:00", NAIVE),
        ("date", "2024-05-01T12:30:00.000000", date(2024, 5, 1)),
        ("numeric", "1.10", Decimal("1.10")),
        ("numeric", 5, Decimal(5)),
        ("boolean", 1, True),
        ("interval", 1_000_000, timedelta(seconds=1)),
        ("uuid", "x", "x"),
        ("json", '{"a":1}', {"a": 1}),
    ],
)
def test_a_cast_restores_a_type(cast, stored, value) -> None:
    """What does not parse stays as it is."""
    assert CAST_CONVERTERS[cast](stored) == value


def test_a_converter_of_somebody_else_stays() -> None:
    """sqlite3 has one set for the process; ours come beside those of others."""

    def theirs(stored: bytes) -> bytes:
        return stored

    known = sqlite3.converters
    before = dict(known)

    try:
        sqlite3.register_converter("UUID", theirs)
        register_converters()
        assert known["UUID"] is theirs
        assert known["TIMESTAMP"] is STANDARD_CONVERTERS["TIMESTAMP"]
        assert known["UUID_TEXT"] is CONVERTERS["UUID_TEXT"]
    finally:
        known.clear()
        known.update(before)


def test_a_type_that_is_not_portable_goes_by_the_value() -> None:
    """The column of a plain CREATE TABLE can hold anything."""
    assert encoder_for(ColumnType("TIMESTAMPTZ", portable=False))(5) == 5
