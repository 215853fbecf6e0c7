"""``time_bucket`` as TimescaleDB has it: the same origins, widths and refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

from ...interfaces.exceptions import OperationError, ValidationError
from ._times import datetime_text

__all__ = ["time_bucket"]

# TimescaleDB's: a Monday for fixed widths, the first of a month for months and years.
_MONDAY = datetime(2000, 1, 3)  # noqa: DTZ001 - the origin in whatever zone the time is
_MONTH = datetime(2000, 1, 1)  # noqa: DTZ001
_DAY = 86_400_000_000
_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("us", "usec", "usecs", "microsecond", "microseconds"), 1),
    **dict.fromkeys(("ms", "msec", "msecs", "millisecond", "milliseconds"), 1_000),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1_000_000),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60_000_000),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3_600_000_000),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks"), 7 * _DAY),
}
_MONTHS: Mapping[str, int] = {
    **dict.fromkeys(("mon", "mons", "month", "months"), 1),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 12),
    **dict.fromkeys(("dec", "decs", "decade", "decades"), 120),
    **dict.fromkeys(("c", "cent", "century", "centuries"), 1200),
}
_PART = re.compile(
    r"\s*([+-]?[0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*|\s*([0-9]+):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,6})?))?\s*"
)


@dataclass(frozen=True, slots=True)
class Width:
    """The width of a bucket: whole months, or microseconds."""

    months: int
    microseconds: int


def time_bucket(width: Any, time: Any, origin: Any = None) -> Any:
    """Return the beginning of the bucket that ``time`` is in, in the form of ``time``.

    ``width`` is an interval as text (``'15 minutes'``), or an int: microseconds for a time,
    and a width of the same kind for an int.
    """
    if width is None or time is None:
        return None

    if isinstance(time, int):
        return _integer_bucket(width, time, origin)

    return _text_bucket(_width(width), time, origin)


def _integer_bucket(width: Any, time: int, origin: Any) -> int:
    if not isinstance(width, int) or not isinstance(origin, (int, type(None))):
        msg = f"time_bucket: an integer time takes an integer width, got {width!r:.40}"
        raise ValidationError(msg, sqlstate="42883")

    _check_positive(width)
    offset = origin or 0
    return (time - offset) // width * width + offset


def _width(width: Any) -> Width:
    if isinstance(width, int):
        _check_positive(width)
        return Width(0, width)

    if not isinstance(width, str):
        msg = f"time_bucket: a width is a text like '15 minutes' or a timedelta, got {width!r:.40}"
        raise ValidationError(msg, sqlstate="22023")

    return _parse_width(width)


def _check_positive(width: int) -> None:
    if width <= 0:
        msg = f"time_bucket: a width is greater than 0, got {width}"
        raise ValidationError(msg, sqlstate="22023")


@lru_cache(maxsize=256)
def _parse_width(text: str) -> Width:
    months = microseconds = Fraction(0)

    for number, unit in _parts(text):
        if unit in _MONTHS:
            months += number * _MONTHS[unit]
        else:
            microseconds += number * _UNITS[unit]

    if months and microseconds:
        msg = (
            f"time_bucket: the width {text!r} mixes months with days or time: no bucket has that "
            "width; use one or the other"
        )
        raise ValidationError(msg, sqlstate="0A000")

    if months.denominator != 1 or microseconds.denominator != 1:
        msg = f"time_bucket: the width {text!r} is no whole number of months or microseconds"
        raise ValidationError(msg, sqlstate="22023")

    _check_positive(int(months or microseconds))
    return Width(int(months), int(microseconds))


def _parts(text: str) -> list[tuple[Fraction, str]]:
    """Return the numbers and units of an interval."""
    parts: list[tuple[Fraction, str]] = []
    lowered, position = text.lower(), 0

    while match := _PART.match(lowered, position):
        if match[2] is None:
            parts += [(Fraction(match[3]), "h"), (Fraction(match[4]), "m")]
            parts.append((Fraction(match[5] or 0), "s"))
        elif match[2] in _UNITS or match[2] in _MONTHS:
            parts.append((Fraction(match[1]), match[2]))
        else:
            break

        position = match.end()

    if position < len(lowered) or not parts:
        msg = f"time_bucket: the width {text[:40]!r} is no interval like '15 minutes' or '1 month'"
        raise ValidationError(msg, sqlstate="22007")

    return parts


def _text_bucket(width: Width, time: Any, origin: Any) -> str:
    found = _parse_time(time)
    start = None if origin is None else _parse_time(origin)
    is_day = len(time) == len("2024-01-01")

    if is_day and width.microseconds % _DAY:
        msg = "time_bucket: the width for a DATE is whole days, weeks, months or years"
        raise ValidationError(msg, sqlstate="22023")

    zone = found.tzinfo
    naive = found.replace(tzinfo=None)
    base = start.replace(tzinfo=None) if start else None

    try:
        bucket = (
            _month_bucket(width.months, naive, base or _MONTH)
            if width.months
            else _fixed_bucket(width.microseconds, naive, base or _MONDAY)
        )
    except (OverflowError, ValueError) as exc:
        msg = f"time_bucket: the bucket of {time} begins before the year 1"
        raise OperationError(msg, sqlstate="22008") from exc

    return date.isoformat(bucket.date()) if is_day else datetime_text(bucket.replace(tzinfo=zone))


def _parse_time(time: Any) -> datetime:
    """Return a time as a datetime, in UTC where it has a zone."""
    try:
        found = datetime.fromisoformat(time)
    except (TypeError, ValueError) as exc:
        msg = f"time_bucket: {time!r:.60} is no date, time or integer"
        raise ValidationError(msg, sqlstate="22007") from exc

    return found if found.tzinfo is None else found.astimezone(UTC)


def _fixed_bucket(microseconds: int, time: datetime, origin: datetime) -> datetime:
    width = timedelta(microseconds=microseconds)
    # Floor division goes towards minus infinity, before the origin too.
    return origin + (time - origin) // width * width


def _month_bucket(months: int, time: datetime, origin: datetime) -> datetime:
    offset = origin.year * 12 + origin.month - 1
    count = (time.year * 12 + time.month - 1 - offset) // months * months + offset
    year, month = divmod(count, 12)
    return datetime(year, month + 1, 1)  # noqa: DTZ001 - the caller puts the zone back
