"""Dates, times and intervals that Python has no value for, as PostgreSQL writes them."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta

__all__ = [
    "day_of",
    "interval_of",
    "time_text",
    "timestamp_of",
    "timestamptz_of",
    "timetz_text",
]

_NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - what the server counts from
_AWARE = _NAIVE.replace(tzinfo=UTC)
_ORDINAL = _NAIVE.toordinal()
_DAY = 86_400_000_000
_INFINITE = {
    2**31 - 1: "infinity",
    -(2**31): "-infinity",
    2**63 - 1: "infinity",
    -(2**63): "-infinity",
}
# Years of the calendar come back, with their days, after so many.
_CYCLE, _CYCLE_DAYS = 400, 146_097
_unpack_int = struct.Struct("!i").unpack
_unpack_long = struct.Struct("!q").unpack
_unpack_interval = struct.Struct("!qii").unpack
_unpack_timetz = struct.Struct("!qi").unpack


def day_of(data: bytes) -> date | str:
    """Return a date; infinite, before the year 1 or after 9999 its text."""
    (days,) = _unpack_int(data)

    try:
        return date.fromordinal(days + _ORDINAL)
    except (ValueError, OverflowError):
        return _INFINITE.get(days) or "".join(_date_text(days))


def timestamp_of(data: bytes) -> datetime | str:
    """Return a naive datetime, or its text."""
    (count,) = _unpack_long(data)

    try:
        return _NAIVE + timedelta(microseconds=count)
    except OverflowError:
        return _timestamp_text(count)


def timestamptz_of(data: bytes) -> datetime | str:
    """Return a datetime in UTC, or its text."""
    (count,) = _unpack_long(data)

    try:
        return _AWARE + timedelta(microseconds=count)
    except OverflowError:
        return _timestamp_text(count, "+00")


def interval_of(data: bytes) -> timedelta | str:
    """Return a duration; with months, whose length nobody knows, its text."""
    count, days, months = _unpack_interval(data)

    if not months:
        try:
            return timedelta(days, 0, count)
        except OverflowError:
            pass

    if months == 2**31 - 1 and days == 2**31 - 1 and count == 2**63 - 1:
        return "infinity"

    if months == -(2**31) and days == -(2**31) and count == -(2**63):
        return "-infinity"

    return _interval_text(count, days, months)


def time_text(data: bytes) -> str:
    """Return the text of a time."""
    return _clock(_unpack_long(data)[0])


def timetz_text(data: bytes) -> str:
    """Return the text of a time with a zone, which is in seconds west of UTC."""
    count, west = _unpack_timetz(data)
    minutes, seconds = divmod(abs(west), 60)
    hours, minutes = divmod(minutes, 60)
    zone = f"{'-' if west > 0 else '+'}{hours:02}"

    if minutes or seconds:
        zone += f":{minutes:02}"

    return _clock(count) + zone + (f":{seconds:02}" if seconds else "")


def _clock(count: int) -> str:
    seconds, fraction = divmod(count, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours:02}:{minutes:02}:{seconds:02}"
    return f"{text}.{fraction:06}".rstrip("0") if fraction else text


def _date_text(days: int) -> tuple[str, str]:
    """Return a date of any year, and its era."""
    cycles, rest = divmod(days + _ORDINAL - 1, _CYCLE_DAYS)
    within = date.fromordinal(rest + 1)
    year = within.year + cycles * _CYCLE
    era = "" if year > 0 else " BC"
    return f"{year if year > 0 else 1 - year:04}-{within.month:02}-{within.day:02}", era


def _timestamp_text(count: int, zone: str = "") -> str:
    infinite = _INFINITE.get(count) if abs(count) > 2**62 else None

    if infinite is not None:
        return infinite

    days, clock = divmod(count, _DAY)
    text, era = _date_text(days)
    return f"{text} {_clock(clock)}{zone}{era}"


def _interval_text(count: int, days: int, months: int) -> str:
    """Return the text in IntervalStyle postgres: a plus after a minus, where there is one."""
    sign = -1 if months < 0 else 1
    years, months = sign * (abs(months) // 12), sign * (abs(months) % 12)
    words: list[str] = []
    before = False

    for number, unit in ((years, "year"), (months, "mon"), (days, "day")):
        if number:
            plus = "+" if before and number > 0 else ""
            words.append(f"{plus}{number} {unit}{'' if number == 1 else 's'}")
            before = number < 0

    if count or not words:
        minus = "-" if count < 0 else ("+" if before else "")
        words.append(minus + _clock(abs(count)))

    return " ".join(words)
