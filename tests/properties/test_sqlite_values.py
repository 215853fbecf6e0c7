"""What holds for every value that SQLite keeps."""

from __future__ import annotations

import sqlite3
from datetime import UTC, timedelta
from decimal import Context, Decimal
from typing import Any

from hypothesis import given, strategies as st

from infrastructure.storage._types import ColumnType
from infrastructure.storage.sqlite._decimals import compare_decimals
from infrastructure.storage.sqlite._numbers import decimal_text
from infrastructure.storage.sqlite.converters import CONVERTERS
from infrastructure.storage.sqlite.functions import register_functions
from infrastructure.storage.sqlite.values import encoder_for

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner
        )
    ),
    max_leaves=20,
)
EXACT = Context(prec=1000)


def column(name: str) -> Any:
    encode = encoder_for(ColumnType({"DECIMAL": "NUMERIC"}.get(name, name)))
    decode = CONVERTERS[
        {"DECIMAL": "DECIMAL_TEXT", "INTERVAL": "INTERVAL_US"}.get(name, f"{name}_TEXT")
    ]
    return lambda value: decode(str(encode(value)).encode())


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
        lambda d: abs(d.adjusted()) < 9000
    )
)
def test_a_decimal_is_exact(value) -> None:
    """To the last digit; only a trailing exponent becomes zeros."""
    back = column("DECIMAL")(value)
    assert back == value
    assert back.as_tuple().exponent == min(value.as_tuple().exponent, 0)


@given(DECIMALS, DECIMALS)
def test_decimals_as_text_compare_as_numbers(left, right) -> None:
    """The collation is their order."""
    found = compare_decimals(decimal_text(left), decimal_text(right))
    assert found == (left > right) - (left < right)


@given(st.lists(DECIMALS, min_size=1, max_size=20))
def test_the_sum_of_decimals_is_exact(values) -> None:
    """And the mean is near it by half of its last digit."""
    con = sqlite3.connect(":memory:")
    register_functions(con)
    con.execute("CREATE TABLE t (c)")
    con.executemany("INSERT INTO t VALUES (?)", [(decimal_text(value),) for value in values])
    total, mean = (Decimal(text) for text in con.execute("SELECT sum(c), avg(c) FROM t").fetchone())
    con.close()
    expected = Decimal(0)

    for value in values:
        expected = EXACT.add(expected, value)

    assert total == expected
    half = Decimal(5).scaleb(mean.as_tuple().exponent - 1, context=EXACT)
    error = EXACT.subtract(EXACT.multiply(mean, Decimal(len(values))), expected)
    assert abs(error) <= EXACT.multiply(half, Decimal(len(values)))


@given(JSON)
def test_json_comes_back_the_same(value) -> None:
    """With its exact types."""
    encode = encoder_for(ColumnType("JSONB"))
    stored = encode(value)
    back = None if stored is None else CONVERTERS["JSONB_TEXT"](stored.encode())
    assert repr(back) == repr(value)


@given(st.datetimes(timezones=st.timezones()).filter(lambda d: 2 < d.year < 9998))
def test_an_aware_time_comes_back_in_utc(value) -> None:
    """The same instant, in text of one width."""
    back = column("TIMESTAMPTZ")(value)
    # A time that a change of the clock skips is not equal even to itself in another zone.
    assert back == value.astimezone(UTC)
    assert back.utcoffset().total_seconds() == 0


@given(st.datetimes(), st.datetimes())
def test_times_sort_as_text(left, right) -> None:
    """ORDER BY and < are right."""
    encode = encoder_for(ColumnType("TIMESTAMP"))
    assert (encode(left) < encode(right)) == (left < right)
    assert column("TIMESTAMP")(left) == left


@given(st.timedeltas(timedelta(days=-(10**8)), timedelta(days=10**8)))
def test_a_duration_is_exact(value) -> None:
    """To the microsecond."""
    assert column("INTERVAL")(value) == value


@given(st.uuids(), st.dates())
def test_uuids_and_dates_are_exact(uuid, day) -> None:
    """Whatever they are."""
    assert column("UUID")(uuid) == uuid
    assert column("DATE")(day) == day
