"""What holds for every value that PostgreSQL keeps: it comes back the same, in both formats."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DefaultContext
from typing import Any

import pytest
from hypothesis import given, strategies as st

from infrastructure.storage.postgres.values import encoder_of
from infrastructure.storage.postgres.values._oids import OIDS

from ..servers.postgres_endpoint import PostgresEndpoint
from .postgres_values import Session

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FLOATS = st.floats(allow_nan=False)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
# jsonb keeps no sign of a zero.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE.filter(bool) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False).filter(
    lambda number: -9000 < number.adjusted() and -number.as_tuple().exponent < 9000
)
WIDE = st.builds(
    lambda digits, exponent: Decimal(f"{digits}E{exponent}"),
    st.integers(-(10**1200), 10**1200),
    st.integers(-1500, 1500),
)
# The server's time goes from 4714 BC to 294276 AD; microseconds since 2000.
INSTANTS = st.integers(-211_813_488_000_000_000, 9_223_371_331_199_999_999)
DAYS = st.integers(-2_451_545, 2_145_031_948)
SMALL = st.integers(-(2**31) + 1, 2**31 - 1)


@pytest.fixture(scope="module")
def session(postgres: PostgresEndpoint) -> Iterator[Session]:
    session = Session(postgres.url)
    yield session
    session.close()


def returns(session: Session, name: str, value: Any, wanted: Any = None) -> None:
    """Assert that a value comes back of its very type: by a parameter, and from the server's text."""
    wanted = value if wanted is None else wanted

    for text in (False, True):
        found = session.one(f"SELECT $1::{name} AS v", value, text=text)
        assert type(found) is type(wanted)
        assert repr(found) == repr(wanted)

    # What COPY sends: the binary form, as a parameter in an array has it, too.
    if encoder_of(OIDS.get(name.upper(), 0)) and not isinstance(value, (list, dict)):
        found = session.one(f"SELECT $1::{name}[] AS v", [value])
        assert repr(found) == repr([wanted])
        found = session.one(f"SELECT $1::{name}[] AS v", [[value], [None]], text=True)
        assert repr(found) == repr([[wanted], [None]])


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**15), 2**15 - 1), st.booleans())
def test_an_int_is_exact(session, number, small, flag) -> None:
    """Of every width; a bool is none."""
    returns(session, "bigint", number)
    returns(session, "smallint", small)
    returns(session, "boolean", flag)


@given(FLOATS, st.floats(width=32, allow_nan=False))
def test_a_float_is_exact(session, number, single) -> None:
    """With the sign of its zero; a single one, too."""
    returns(session, "float8", number)
    returns(session, "real", single)
    assert math.isnan(session.one("SELECT $1::float8 AS v", math.nan))


@given(FINITE)
def test_a_float_is_a_numeric_by_its_repr(session, number) -> None:
    """No digit more, none less."""
    found = session.one("SELECT $1::numeric AS v", number)
    assert float(found) == number
    assert found == Decimal(repr(number))


@given(DECIMALS | WIDE)
def test_a_decimal_is_exact(session, number) -> None:
    """To the last digit; an exponent becomes zeros, and a negative zero has no sign."""
    sign = 0 if not number else number.as_tuple().sign
    wanted = Decimal((sign, Decimal(f"{number:f}").as_tuple().digits, min(number.as_tuple()[2], 0)))
    wanted = Decimal(str(wanted))
    returns(session, "numeric", number, wanted)
    found = session.one("SELECT $1::numeric[] AS v", [number])[0]
    assert found.as_tuple() == wanted.as_tuple()


@given(DECIMALS)
def test_a_decimal_is_exact_under_any_context(session, number) -> None:
    """Also where the program has a default of five digits."""
    before = DefaultContext.prec
    DefaultContext.prec = 5

    try:
        assert session.one("SELECT $1::numeric AS v", number) == number
    finally:
        DefaultContext.prec = before


@pytest.mark.parametrize("special", ["NaN", "Infinity", "-Infinity"])
def test_a_special_decimal_is_itself(session, special) -> None:
    """Numeric knows them."""
    returns(session, "numeric", Decimal(special))


@given(TEXTS, st.binary())
def test_a_text_and_bytes_are_exact(session, text, data) -> None:
    """Whatever they contain."""
    returns(session, "text", text)
    returns(session, "varchar", text)
    returns(session, "bytea", data)


@given(st.datetimes(timezones=st.timezones()).filter(lambda when: 2 < when.year < 9998))
def test_an_aware_time_comes_back_in_utc(session, when) -> None:
    """The same instant, whatever the zone."""
    returns(session, "timestamptz", when, when.astimezone(UTC))


@given(st.datetimes().map(lambda when: when.replace(fold=0)), st.dates(), st.uuids())
def test_times_dates_and_uuids_are_exact(session, when, day, uuid) -> None:
    """To the microsecond."""
    returns(session, "timestamp", when)
    returns(session, "date", day)
    returns(session, "uuid", uuid)


@given(st.timedeltas())
def test_a_duration_is_exact(session, span) -> None:
    """A day is 24 hours then."""
    returns(session, "interval", span)


@given(JSON)
def test_json_is_exact(session, value) -> None:
    """With the types of its numbers, in both kinds of it."""
    for kind in ("json", "jsonb"):
        for text in (False, True):
            if value is not None:
                found = session.one(f"SELECT $1::{kind} AS v", value, text=text)
                assert found == value
                assert canonical(found) == canonical(value)


def canonical(value: Any) -> Any:
    """Return JSON with the keys in order, which jsonb does not keep, as text with its types."""
    if isinstance(value, dict):
        return sorted((key, repr(canonical(item))) for key, item in value.items())

    return list(map(canonical, value)) if isinstance(value, list) else (type(value), value)


@given(st.lists(st.none() | TEXTS, min_size=1), st.lists(st.none() | FLOATS))
def test_an_array_is_a_list(session, texts, numbers) -> None:
    """In both formats, NULL and what needs quotes included."""
    for text in (False, True):
        found = session.run(
            "SELECT $1::text[] AS t, $2::float8[] AS n", [texts, numbers], text=text
        )
        assert repr(found) == repr([{"t": texts, "n": numbers}])
        found = session.one("SELECT $1::text[] AS v", [texts, texts], text=text)
        assert found == [texts, texts]


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none() | st.integers().map(str), max_size=5))
def test_an_array_with_texts_is_read_by_the_server(session, items) -> None:
    """As if each were written out."""
    fits = [item for item in items if item is None or -(2**63) <= int(item) < 2**63]
    wanted = [None if item is None else int(item) for item in fits]
    assert session.one("SELECT $1::bigint[] AS v", fits) == wanted


@given(INSTANTS)
def test_a_time_beyond_python_is_its_text(session, count) -> None:
    """As the server writes it."""
    for kind, zone in (("timestamp", None), ("timestamptz", UTC)):
        moment = f"SELECT '2000-01-01 00:00+00'::{kind} + $1 AS t"
        sql = f"SELECT t AS v, t::text AS t FROM ({moment}) AS x"
        start = datetime(2000, 1, 1, tzinfo=zone)

        for text in (False, True):
            (row,) = session.run(sql, [f"{count} microseconds"], text=text)

            try:
                assert row["v"] == start + timedelta(microseconds=count)
            except OverflowError:
                assert row["v"] == row["t"]


@given(DAYS)
def test_a_date_beyond_python_is_its_text(session, days) -> None:
    """Before the year 1, too."""
    sql = "SELECT d AS v, d::text AS t FROM (SELECT '2000-01-01'::date + $1::int AS d) AS x"

    for text in (False, True):
        (row,) = session.run(sql, [days], text=text)
        assert str(row["v"]) == row["t"]
        assert isinstance(row["v"], str) == (row["t"].endswith("BC") or len(row["t"]) > 10)


@given(SMALL, SMALL, st.integers(-(2**63) + 1, 2**63 - 1))
def test_an_interval_with_months_is_its_text(session, months, days, count) -> None:
    """As the server writes it; without months it is a duration."""
    sql = "SELECT i AS v, i::text AS t FROM (SELECT $1::interval AS i) AS x"
    given = f"{months} months {days} days {count} microseconds"

    for text in (False, True):
        (row,) = session.run(sql, [given], text=text)

        if months:
            assert row["v"] == row["t"]

    (row,) = session.run(sql, [f"{days} days {count} microseconds"])

    if abs(days) < 899_000_000:
        assert row["v"] == timedelta(days, 0, count)
    else:
        assert isinstance(row["v"], str) == (row["v"] == row["t"])


@given(st.times(), st.integers(-15 * 3600, 15 * 3600))
def test_a_time_of_day_is_its_text(session, clock, west) -> None:
    """With the zone where it has one."""
    hours, rest = divmod(abs(west), 3600)
    zone = f"{'-' if west > 0 else '+'}{hours:02}:{rest // 60:02}:{rest % 60:02}"

    for kind, value in (("time", clock.isoformat()), ("timetz", clock.isoformat() + zone)):
        for text in (False, True):
            (row,) = session.run(
                f"SELECT $1::{kind} AS v, $1::{kind}::text AS t", [value], text=text
            )
            assert row["v"] == row["t"]
