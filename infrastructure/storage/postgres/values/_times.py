"""Encoders of dates, times and durations."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ....interfaces.exceptions import ValidationError
from ._refusals import TextInput, mismatch

__all__ = ["day", "interval", "timestamp", "timestamptz"]

_NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - what the server counts from
_AWARE = _NAIVE.replace(tzinfo=UTC)
_DAY = _NAIVE.toordinal()
_pack_long = struct.Struct("!q").pack
_pack_int = struct.Struct("!i").pack
_pack_interval = struct.Struct("!qii").pack


def timestamptz(value: Any) -> bytes | None:
    """Encode TIMESTAMPTZ: the instant of an aware datetime."""
    if type(value) is not datetime:
        if value is None:
            return None

        value = _plain("TIMESTAMPTZ", "an aware datetime", value)

    try:
        since = value - _AWARE
    except TypeError as exc:
        msg = (
            f"TIMESTAMPTZ takes an aware datetime, got the naive {value!r}: "
            "write datetime.now(timezone.utc), or value.replace(tzinfo=...)"
        )
        raise ValidationError(msg) from exc

    return _pack_long((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def timestamp(value: Any) -> bytes | None:
    """Encode TIMESTAMP: a naive datetime as it is."""
    if type(value) is not datetime:
        if value is None:
            return None

        value = _plain("TIMESTAMP", "a naive datetime", value)

    if value.tzinfo is not None:
        if value.utcoffset() is not None:
            msg = (
                f"TIMESTAMP takes a naive datetime, got the aware {value!r}: "
                "make the column TIMESTAMPTZ, or write value.replace(tzinfo=None)"
            )
            raise ValidationError(msg)

        value = value.replace(tzinfo=None)

    since = value - _NAIVE
    return _pack_long((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def day(value: Any) -> bytes | None:
    """Encode DATE."""
    if type(value) is not date:
        if value is None:
            return None

        if isinstance(value, str):
            raise TextInput

        # A datetime is a date to Python: its time of day would vanish.
        if not isinstance(value, date) or isinstance(value, datetime):
            mismatch("DATE", "a date", value)

    return _pack_int(date.toordinal(value) - _DAY)


def interval(value: Any) -> bytes | None:
    """Encode INTERVAL: days, and microseconds within the day."""
    if not isinstance(value, timedelta):
        if value is None:
            return None

        if isinstance(value, str):
            raise TextInput

        mismatch("INTERVAL", "a timedelta", value)

    return _pack_interval(value.seconds * 1_000_000 + value.microseconds, value.days, 0)


def _plain(name: str, takes: str, value: Any) -> datetime:
    """Return a datetime of the base class: a subclass may reckon otherwise."""
    if isinstance(value, str):
        raise TextInput

    if not isinstance(value, datetime):
        mismatch(name, takes, value)

    # pandas.NaT is a datetime that is not equal to itself.
    if value != value:  # noqa: PLR0124
        mismatch(name, f"{takes} (None where there is none)", value)

    return datetime.combine(datetime.date(value), datetime.timetz(value))
