"""Dates, times and durations on their way into SQLite, as text and numbers that sort."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ...interfaces.exceptions import ValidationError
from .._types import ColumnType
from ._numbers import mismatch, out_of_range

__all__ = [
    "datetime_text",
    "day",
    "interval",
    "microseconds",
    "timestamp",
    "timestamptz",
    "utc_text",
]

Encode = Callable[[Any], Any]


def timestamptz(column_type: ColumnType) -> Encode:
    """Return the encoder of TIMESTAMPTZ: UTC, of one width, so that the text sorts by time."""

    def encode(value: Any) -> str | None:
        if type(value) is datetime and value.tzinfo is UTC:
            return utc_text(value)

        if value is None:
            return None

        if not isinstance(value, datetime):
            mismatch(column_type, "an aware datetime", value)

        value = _plain(column_type, value)

        if value.utcoffset() is None:
            msg = (
                f"{column_type} takes an aware datetime, got the naive {value!r}: "
                "write datetime.now(timezone.utc), or value.replace(tzinfo=...)"
            )
            raise ValidationError(msg)

        return datetime_text(value)

    return encode


def timestamp(column_type: ColumnType) -> Encode:
    """Return the encoder of TIMESTAMP."""

    def encode(value: Any) -> str | None:
        if value is None:
            return None

        if not isinstance(value, datetime):
            mismatch(column_type, "a naive datetime", value)

        value = _plain(column_type, value)

        if value.utcoffset() is not None:
            msg = (
                f"{column_type} takes a naive datetime, got the aware {value!r}: "
                "make the column TIMESTAMPTZ, or write value.replace(tzinfo=None)"
            )
            raise ValidationError(msg)

        return datetime_text(value)

    return encode


def day(column_type: ColumnType) -> Encode:
    """Return the encoder of DATE."""

    def encode(value: Any) -> str | None:
        if value is None:
            return None

        # A datetime is a date to Python: its time of day would vanish.
        if not isinstance(value, date) or isinstance(value, datetime):
            mismatch(column_type, "a date", value)

        return date.isoformat(value)

    return encode


def interval(column_type: ColumnType) -> Encode:
    """Return the encoder of INTERVAL: whole microseconds."""

    def encode(value: Any) -> int | None:
        if value is None:
            return None

        if not isinstance(value, timedelta):
            mismatch(column_type, "a timedelta", value)

        return microseconds(value)

    return encode


def microseconds(value: timedelta) -> int:
    """Return a duration in microseconds, of 64 bits."""
    count = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds

    if not -(2**63) <= count < 2**63:
        out_of_range("INTERVAL", value)

    return count


def utc_text(value: datetime) -> str:
    """Return a datetime in UTC as text, in four fifths of the time that isoformat takes."""
    return "%04d-%02d-%02dT%02d:%02d:%02d.%06d+00:00" % (  # noqa: UP031 - a format() takes twice as long
        value.year,
        value.month,
        value.day,
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
    )


def datetime_text(value: datetime) -> str:
    """Return a datetime as text: naive as it is, aware in UTC."""
    if value.tzinfo is None or value.utcoffset() is None:
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")

    try:
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    except OverflowError:
        out_of_range("TIMESTAMPTZ", value)


def _plain(column_type: ColumnType, value: datetime) -> datetime:
    """Return a datetime of the base class: a subclass may print itself otherwise."""
    if type(value) is datetime:
        return value

    # pandas.NaT is a datetime that is not equal to itself.
    if value != value:  # noqa: PLR0124
        mismatch(column_type, "a datetime (None where there is none)", value)

    return datetime.combine(datetime.date(value), datetime.timetz(value))
