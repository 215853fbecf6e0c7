"""Python values on their way into PostgreSQL, without a server."""

from __future__ import annotations

import enum
import struct
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage.postgres.values import (
    Parameters,
    TextInput,
    declared,
    encoder_of,
    python_types,
)
from infrastructure.storage.postgres.values._oids import ARRAYS, OIDS

TEHRAN = timezone(timedelta(hours=3, minutes=30))
NAIVE = datetime(2024, 5, 1, 12, 30)  # noqa: DTZ001 - naive on purpose
AWARE = NAIVE.replace(tzinfo=TEHRAN)
ENUM = 16_385


class Colour(enum.StrEnum):
    RED = "red"


class Number(enum.IntEnum):
    TWO = 2


class Float(float):
    def __repr__(self) -> str:
        return "odd"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "odd"


class Whole(int):
    def __repr__(self) -> str:
        return "odd"

    __str__ = __repr__


class Time(datetime):
    def __sub__(self, other: Any) -> Any:
        return "odd"


class NaT(datetime):
    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = datetime.__hash__


class Nowhere(tzinfo):
    def utcoffset(self, _when: datetime | None) -> None:
        return None


def encode(name: str, value: Any) -> tuple[bytes | None, int]:
    values, formats = Parameters([OIDS[name]]).encode([value])
    return values[0], formats[0]


def oid_of(name: str) -> int:
    return ARRAYS[name[:-2]] if name.endswith("[]") else OIDS[name]


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("BOOLEAN", True, b"\1"),
        ("BOOLEAN", False, b"\0"),
        ("SMALLINT", -2, b"\xff\xfe"),
        ("INTEGER", Number.TWO, b"\0\0\0\2"),
        ("INTEGER", Whole(3), b"\0\0\0\3"),
        ("BIGINT", 2**63 - 1, b"\x7f" + b"\xff" * 7),
        ("oid", 2**32 - 1, b"\xff" * 4),
        ("REAL", Decimal("0.5"), struct.pack("!f", 0.5)),
        ("DOUBLE PRECISION", 7, struct.pack("!d", 7)),
        ("DOUBLE PRECISION", Float(0.1), struct.pack("!d", 0.1)),
        ("TEXT", Colour.RED, b"red"),
        ("TEXT", Text("red"), b"red"),
        ("TEXT", "سلام", "سلام".encode()),
        ("VARCHAR", "", b""),
        ("BYTEA", memoryview(b"ab"), b"ab"),
        ("BYTEA", bytearray(b"\0"), b"\0"),
        ("DATE", date(2000, 1, 2), b"\0\0\0\1"),
        ("TIMESTAMP", datetime(2000, 1, 1, 0, 0, 0, 5), struct.pack("!q", 5)),  # noqa: DTZ001
        ("TIMESTAMP", datetime(2000, 1, 1, tzinfo=Nowhere()), bytes(8)),
        ("TIMESTAMPTZ", datetime(2000, 1, 1, 3, 30, tzinfo=TEHRAN), bytes(8)),
        ("TIMESTAMPTZ", Time(2000, 1, 1, tzinfo=UTC), bytes(8)),
        ("INTERVAL", timedelta(-1, 2, 3), struct.pack("!qii", 2_000_003, -1, 0)),
        ("UUID", UUID(int=7), bytes(15) + b"\7"),
        ("JSON", {"b": 1, "a": [None]}, b'{"b":1,"a":[null]}'),
        ("JSONB", "text", b'\1"text"'),
        ("JSONB", 1e16, b"\x0110000000000000000.0"),
        ("JSONB", {"1e+16": -1.5e17}, b'\1{"1e+16":-150000000000000000.0}'),
    ],
)
def test_a_value_goes_in_binary(name, value, data) -> None:
    """As the server's own receive function reads it."""
    assert encode(name, value) == (data, 1)
    assert encoder_of(OIDS[name])(value) == data


@pytest.mark.parametrize("name", OIDS)
def test_none_is_null(name) -> None:
    """Of every type."""
    assert encode(name, None)[0] is None


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Decimal("1.10"), b"1.10"),
        (Decimal("-Infinity"), b"-Infinity"),
        (Decimal("-NaN12"), b"NaN"),
        (Decimal("1E+5"), b"1E+5"),
        (2**70, b"1180591620717411303424"),
        (Float(0.1), b"0.1"),
        pytest.param(10**5000, b"1" + b"0" * 5000, id="5001 digits"),
    ],
)
def test_a_decimal_goes_as_text(value, data) -> None:
    """It is exact, and made faster than the binary form."""
    assert encode("NUMERIC", value) == (data, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMALLINT", True),
        ("SMALLINT", 32768),
        ("INTEGER", 1.5),
        ("INTEGER", Decimal(1)),
        ("INTEGER", b"1"),
        ("BIGINT", 2**63),
        pytest.param("BIGINT", 10**5000, id="5001 digits"),
        ("oid", -1),
        ("DOUBLE PRECISION", True),
        ("DOUBLE PRECISION", 10**400),
        ("DOUBLE PRECISION", Decimal("sNaN")),
        ("NUMERIC", False),
        ("NUMERIC", Decimal("sNaN")),
        ("NUMERIC", b"1"),
        ("BOOLEAN", 1),
        ("TEXT", 5),
        ("TEXT", None.__class__),
        ("TEXT", UUID(int=1)),
        ("TEXT", timedelta(1)),
        ("TEXT", "a\0b"),
        ("TEXT", "\ud800"),
        ("BYTEA", "a"),
        ("BYTEA", [1]),
        ("DATE", NAIVE),
        ("DATE", "a\0b"),
        ("TIMESTAMP", AWARE),
        ("TIMESTAMP", date(2024, 1, 1)),
        ("TIMESTAMPTZ", NAIVE),
        ("TIMESTAMPTZ", datetime(2024, 1, 1, tzinfo=Nowhere())),
        ("TIMESTAMPTZ", NaT(2024, 1, 1, tzinfo=UTC)),
        ("INTERVAL", 5),
        ("UUID", b"a"),
        ("JSONB", object()),
        ("JSONB", {1: "a"}),
        ("JSONB", float("nan")),
        ("JSONB", "a\0b"),
        ("JSON", Decimal(1)),
        ("inet", 5),
        ("inet", [5]),
        ("inet", b"1"),
        ("time", timedelta(1)),
    ],
)
def test_a_value_of_another_type_is_refused(name, value) -> None:
    """The text names the parameter, and nothing was executed."""
    with pytest.raises(ValidationError, match=r"^\$2: ") as caught:
        Parameters([20, OIDS[name]]).encode([1, value])

    assert caught.value.outcome == "not_applied"


@pytest.mark.parametrize(
    "value", [5, 1.5, Decimal(1), True, date(2024, 1, 1), time(12), UUID(int=1)]
)
def test_a_refusal_says_what_to_write(value) -> None:
    """``str(x)`` or a cast, for a text and for a type that is known by its text only."""
    for oid in (OIDS["TEXT"], OIDS["inet"], ENUM):
        with pytest.raises(ValidationError, match=r"got .*; write str\(x\), or .* \$1::\w+"):
            Parameters([oid]).encode([value])


@pytest.mark.parametrize("value", [[1], (1,), {1}])
def test_a_refusal_of_a_list_shows_any(value) -> None:
    """``id = $1`` and ``id IN ($1)`` take one value."""
    with pytest.raises(ValidationError, match=r"= ANY\(\$1\)"):
        Parameters([20]).encode([value])


def test_a_refusal_names_the_types() -> None:
    """That of the value and the server's."""
    with pytest.raises(ValidationError, match=r"^\$1: BIGINT takes an int, got float 1\.5; "):
        Parameters([20]).encode([1.5])

    with pytest.raises(ValidationError, match=r"^\$1: SMALLINT takes an int of -32768 to 32767"):
        Parameters([21]).encode([70_000])

    with pytest.raises(ValidationError, match=r"\$1: a type of the database \(OID 16385\) takes"):
        Parameters([ENUM]).encode([1])

    with pytest.raises(ValidationError, match=r"takes an aware datetime, got the naive .*timezone"):
        Parameters([1184]).encode([NAIVE])


@pytest.mark.parametrize("name", sorted(set(OIDS) - {"BYTEA", "JSON", "JSONB"}))
def test_a_str_is_the_text_of_every_type(name) -> None:
    """But of bytea and JSON; a subclass is what its base is."""
    data, form = encode(name, Text("ab"))
    assert data == b"ab"
    assert form == (name in ("TEXT", "VARCHAR", "CHAR"))


def test_a_text_leaves_its_neighbours_in_binary() -> None:
    """And the formats of the next call are the usual ones again."""
    parameters = Parameters([20, 20, 1184])
    assert parameters.encode([1, "2", AWARE])[1] == [1, 0, 1]
    assert parameters.encode([1, 2, AWARE])[1] == parameters.formats == [1, 1, 1]


@pytest.mark.parametrize(
    ("name", "value", "data"),
    [
        ("REAL", 1e39, b"1e+39"),
        ("REAL", Decimal("1E+39"), b"1E+39"),
        ("DOUBLE PRECISION", Decimal("1E+400"), b"1E+400"),
    ],
)
def test_a_number_out_of_range_is_left_to_the_server(name, value, data) -> None:
    """It knows the error, and a transaction around it fails as by any other."""
    assert encode(name, value) == (data, 0)

    with pytest.raises(OperationError) as caught:
        encoder_of(OIDS[name])(value)

    assert caught.value.sqlstate == "22003"
    assert caught.value.outcome == "not_applied"


@pytest.mark.parametrize("value", ["1E+131072", "0E-16384", "1E-16384"])
def test_a_numeric_that_no_server_holds_has_no_binary_form(value) -> None:
    """It would be another number."""
    with pytest.raises(OperationError) as caught:
        encoder_of(OIDS["NUMERIC"])(Decimal(value))

    assert caught.value.sqlstate == "22003"


def test_a_text_has_no_binary_form_of_another_type() -> None:
    """Whoever needs one is told so; a type that is known by its text has none at all."""
    for name, value in (("BIGINT", "5"), ("DATE", "2024-01-01"), ("BIGINT[]", [1, "2"])):
        with pytest.raises(TextInput):
            encoder_of(oid_of(name))(value)

    assert encoder_of(OIDS["inet"]) is encoder_of(ENUM) is None


def test_durations_and_uuids_are_declared() -> None:
    """A subclass, too; where there is neither nothing is."""

    class Span(timedelta):
        pass

    assert declared([1, timedelta(1), "a", UUID(int=1), Span(1)]) == (0, 1186, 0, 2950, 1186)
    assert declared([1, "a", Colour.RED, None, [UUID(int=1)]]) == ()
    assert declared([]) == ()


def test_python_types_say_themselves() -> None:
    """Where nothing else does."""
    values: dict[Any, int] = {
        True: 16,
        5: 20,
        2**63: 1700,
        1.5: 701,
        Decimal("2.5"): 1700,
        "a": 25,
        Colour.RED: 25,
        b"a": 17,
        AWARE: 1184,
        NAIVE: 1114,
        date(2024, 1, 1): 1082,
        timedelta(1): 1186,
        UUID(int=1): 2950,
        None: 25,
        (1, None, 2): 1016,
        frozenset({"a"}): 1009,
        (): 1009,
    }
    assert python_types(list(values)) == tuple(values.values())
    assert python_types([{"a": 1}, [1, "a"], [{"a": 1}], ["a"], [[1]]]) == (
        *(3802, 3802, 3802),
        *(1009, 3802),
    )
