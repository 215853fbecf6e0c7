"""The SQL functions that SQLite is given: time_bucket, exact sums, now, uuids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage.sqlite.functions import (
    FUNCTION_NAMES,
    function_error,
    register_functions,
)


@pytest.fixture
def con() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    register_functions(connection, lambda: datetime(2024, 5, 1, 12, tzinfo=UTC))
    yield connection
    connection.close()


def value(con: sqlite3.Connection, sql: str, *params: Any) -> Any:
    return con.execute(f"SELECT {sql}", params).fetchone()[0]


@pytest.mark.parametrize(
    ("width", "time", "bucket"),
    [
        ("1 hour", "2024-05-01T13:45:10.000001+00:00", "2024-05-01T13:00:00.000000+00:00"),
        ("15 minutes", "2024-05-01T13:45:00.000000", "2024-05-01T13:45:00.000000"),
        ("15 minutes", "2024-05-01T13:44:59.999999", "2024-05-01T13:30:00.000000"),
        ("00:15:00", "2024-05-01T13:44:59.999999", "2024-05-01T13:30:00.000000"),
        ("1.5 hours", "2024-05-01T13:45:00.000000", "2024-05-01T13:30:00.000000"),
        ("1 hour 30 min", "2024-05-01T13:45:00.000000", "2024-05-01T13:30:00.000000"),
        ("1 day", "2024-05-01T13:45:00.000000+00:00", "2024-05-01T00:00:00.000000+00:00"),
        # 2024-05-01 is a Wednesday; weeks begin on Monday.
        ("1 week", "2024-05-01T13:45:00.000000", "2024-04-29T00:00:00.000000"),
        ("7 days", "2024-05-05", "2024-04-29"),
        ("7 days", "2024-05-06", "2024-05-06"),
        # 9 days from 2000-01-03 are 2000-01-12; one bucket earlier begins 1999-12-25.
        ("9 days", "2000-01-11", "2000-01-03"),
        ("9 days", "2000-01-12", "2000-01-12"),
        ("9 days", "2000-01-02", "1999-12-25"),
        # Hours count from 2000-01-03 00:00: 5 hours before it is 2000-01-02 19:00.
        ("5 hours", "2000-01-02T23:59:59.000000", "2000-01-02T19:00:00.000000"),
        ("1 hour", "1969-12-31T23:59:59.999999", "1969-12-31T23:00:00.000000"),
        ("1 month", "2024-02-29T23:59:59.999999+00:00", "2024-02-01T00:00:00.000000+00:00"),
        ("1 month", "1999-12-31", "1999-12-01"),
        ("3 months", "2024-05-31", "2024-04-01"),
        ("5 months", "2000-05-31", "2000-01-01"),
        ("5 months", "2000-06-01", "2000-06-01"),
        # Five months before 2000-01 is 1999-08.
        ("5 months", "1999-12-31", "1999-08-01"),
        ("5 months", "1999-07-31", "1999-03-01"),
        ("1 year", "2024-12-31", "2024-01-01"),
        ("2 years", "2023-06-01", "2022-01-01"),
        ("1 year 6 months", "2001-07-01", "2001-07-01"),
        ("1 decade", "1999-12-31", "1990-01-01"),
        (3_600_000_000, "2024-05-01T13:45:00.000000", "2024-05-01T13:00:00.000000"),
        (5, 12, 10),
        (5, -1, -5),
        (5, -5, -5),
        ("1 hour", "2024-05-01 13:45:00", "2024-05-01T13:00:00.000000"),
        ("1 hour", "2024-05-01T02:15:00+03:30", "2024-04-30T22:00:00.000000+00:00"),
        (None, "2024-05-01", None),
        ("1 day", None, None),
    ],
)
def test_a_bucket_begins_where_timescaledb_begins_it(con, width, time, bucket) -> None:
    """From Monday 2000-01-03, or 2000-01-01 for months; towards minus infinity before it."""
    assert value(con, "time_bucket(?, ?)", width, time) == bucket


@pytest.mark.parametrize(
    ("width", "time", "origin", "bucket"),
    [
        ("1 week", "2024-05-01", "2024-01-07", "2024-04-28"),
        ("1 hour", "2024-05-01T13:45:00", "2000-01-01T00:30:00", "2024-05-01T13:30:00.000000"),
        ("5 months", "2000-05-31", "2000-02-01", "2000-02-01"),
        (10, 17, 5, 15),
        (10, 3, 5, -5),
    ],
)
def test_a_bucket_may_have_an_origin(con, width, time, origin, bucket) -> None:
    """The third argument moves all buckets."""
    assert value(con, "time_bucket(?, ?, ?)", width, time, origin) == bucket


@pytest.mark.parametrize(
    ("width", "time", "match"),
    [
        ("1 month 1 day", "2024-05-01", "mixes"),
        ("1 mon 00:00:01", "2024-05-01", "mixes"),
        ("soon", "2024-05-01", "soon"),
        ("1 fortnight", "2024-05-01", "fortnight"),
        ("", "2024-05-01", "interval"),
        ("0 days", "2024-05-01", "greater than 0"),
        ("-1 day", "2024-05-01", "greater than 0"),
        (0, 5, "greater than 0"),
        ("0.5 months", "2024-05-01", "whole"),
        ("1 hour", "2024-05-01", "whole days"),
        ("1 hour", 5, "integer"),
        ("1 hour", "soon", "soon"),
        (b"1 hour", "2024-05-01", "width"),
        (1.5, "2024-05-01", "width"),
    ],
)
def test_a_bad_width_or_time_is_refused(con, width, time, match) -> None:
    """SQLite says only that there was an error; ours says which."""
    with pytest.raises(sqlite3.OperationalError):
        value(con, "time_bucket(?, ?)", width, time)

    error = function_error(con)
    assert isinstance(error, ValidationError)
    assert match in error.message
    assert function_error(con) is None


def test_a_bucket_before_the_first_year_is_out_of_range(con) -> None:
    """Python's calendar begins there."""
    with pytest.raises(sqlite3.OperationalError):
        value(con, "time_bucket('2000 years', '0001-05-01')")

    error = function_error(con)
    assert isinstance(error, OperationError)
    assert error.sqlstate == "22008"


def test_now_is_text_of_the_form_of_a_timestamptz(con) -> None:
    """So that it goes into such a column."""
    assert value(con, "now()") == "2024-05-01T12:00:00.000000+00:00"


def test_a_random_uuid_is_one(con) -> None:
    """Of version 4, each another."""
    first, second = value(con, "gen_random_uuid()"), value(con, "gen_random_uuid()")
    assert UUID(first).version == 4
    assert first != second


def table(con: sqlite3.Connection, values: list[Any], declared: str = "") -> None:
    con.execute(f"CREATE TABLE t (c {declared})")
    con.executemany("INSERT INTO t VALUES (?)", [(item,) for item in values])


@pytest.mark.parametrize(
    ("values", "total", "mean"),
    [
        ([], None, None),
        ([None], None, None),
        ([1, 2, None], 3, 1.5),
        ([1, 0.5], 1.5, 0.75),
        (["0.1", "0.2"], "0.3", "0.15000000000000000000"),
        (["1.10", "2"], "3.10", "1.5500000000000000"),
        (["1", "2", "2"], "5", "1.6666666666666667"),
        (["-1", "-1", "0"], "-2", "-0.66666666666666666667"),
        (["99999999999999999999999999999999.01", 1], "100000000000000000000000000000000.01", None),
        (["1.5", 1.5], 3.0, 1.5),
        (["NaN", "1"], "NaN", "NaN"),
        (["Infinity", "1"], "Infinity", "Infinity"),
        (["Infinity", "-Infinity"], "NaN", "NaN"),
        (["x", 1], 1.0, 0.5),
        (["2x", 1], 3.0, 1.5),
        ([2**62, 2**62 - 1], 2**63 - 1, float(2**62)),
    ],
)
def test_sums_are_exact(con, values, total, mean) -> None:
    """Over decimals; over everything else they are SQLite's own."""
    table(con, values)
    assert value(con, "sum(c) FROM t") == total
    assert mean is None or value(con, "avg(c) FROM t") == mean


@pytest.mark.parametrize("values", [[1, 2, 5], [1.5, 2, -7.25], ["2x", 3, b"4"], [None], []])
def test_what_is_no_decimal_is_added_as_sqlite_adds_it(con, values) -> None:
    """Beside a connection without our functions."""
    plain = sqlite3.connect(":memory:", isolation_level=None)
    table(con, values)
    table(plain, values)

    for name in ("sum", "avg"):
        expected = value(plain, f"{name}(c) FROM t")
        found = value(con, f"{name}(c) FROM t")
        assert (found, type(found)) == (expected, type(expected))

    plain.close()


def test_an_integer_sum_beyond_64_bits_is_an_error(con) -> None:
    """As SQLite's own, and with PostgreSQL's code."""
    table(con, [2**63 - 1, 1])

    with pytest.raises(sqlite3.OperationalError):
        value(con, "sum(c) FROM t")

    error = function_error(con)
    assert isinstance(error, OperationError)
    assert error.sqlstate == "22003"


def test_sums_work_over_windows(con) -> None:
    """Rows that leave the frame are taken out exactly."""
    table(con, ["0.1", "0.2", "Infinity", "0.3", "0.4"])
    rows = con.execute(
        "SELECT sum(c) OVER (ORDER BY rowid ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t"
    ).fetchall()
    assert [row[0] for row in rows] == ["0.1", "0.3", "Infinity", "Infinity", "0.7"]


def test_decimals_compare_as_numbers(con) -> None:
    """In order, in keys, in groups and in the extremes; NaN is the greatest."""
    table(
        con,
        ["10", "9.5", "NaN", "-1", "9.50", "1e1", "Infinity"],
        "DECIMAL_TEXT COLLATE infrastructure_decimal",
    )
    ordered = [row[0] for row in con.execute("SELECT c FROM t ORDER BY c, rowid")]
    assert ordered == ["-1", "9.5", "9.50", "10", "1e1", "Infinity", "NaN"]
    assert value(con, "count(*) FROM t WHERE c = 10") == 2
    assert value(con, "count(DISTINCT c) FROM t") == 5
    assert value(con, "min(c) FROM t") == "-1"
    assert value(con, "max(c) FROM t") == "NaN"


def test_what_is_no_number_has_an_order_too(con) -> None:
    """After all numbers, by its text: a collation must never fail."""
    table(con, ["b", "NaN", "a", "1"], "TEXT COLLATE infrastructure_decimal")
    ordered = [row[0] for row in con.execute("SELECT c FROM t ORDER BY c")]
    assert ordered == ["1", "NaN", "a", "b"]


def test_the_names_are_those_registered(con) -> None:
    """The engine sends what calls them to a thread."""
    for name in FUNCTION_NAMES:
        kinds = con.execute("SELECT builtin FROM pragma_function_list WHERE name = ?", (name,))
        assert (0,) in kinds.fetchall(), name


def test_an_old_error_is_not_that_of_another_statement(con) -> None:
    """Nobody may have asked for the first."""
    with pytest.raises(sqlite3.OperationalError):
        value(con, "time_bucket('x', 'y')")

    with pytest.raises(sqlite3.OperationalError) as raised:
        value(con, "missing")

    assert function_error(con, raised.value) is None
    assert function_error(con) is None


def test_the_errors_of_a_connection_go_with_it() -> None:
    """Another connection at the same address has none."""
    first = sqlite3.connect(":memory:")
    register_functions(first)

    with pytest.raises(sqlite3.OperationalError):
        value(first, "time_bucket('x', 'y')")

    first.close()
    second = sqlite3.connect(":memory:")
    register_functions(second)
    assert function_error(second) is None
    second.close()
