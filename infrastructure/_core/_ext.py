"""Scalars that msgpack has no type for, as ext types: exact both ways."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from struct import Struct
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import ormsgpack
from ormsgpack import Ext

__all__ = ["FIRST_FREE", "READERS", "WRITERS", "zone_fits"]

# Part of the stored format: a code is never given another meaning.
_BIG_INT, _DECIMAL, _UUID, _DATE, _TIMEDELTA = 1, 2, 3, 4, 5
_DATETIME, _DATETIME_ZONED, _TIME, _TIME_ZONED = 6, 7, 8, 9
FIRST_FREE = 10
"""The first code that is free for containers."""

_DELTA = Struct(">iII")


def zone_fits(tzinfo: dt.tzinfo | None) -> bool:
    """Return whether a ``tzinfo`` can be written down and read back as it was."""
    if type(tzinfo) is ZoneInfo:
        # One made by ZoneInfo.from_file may have no key.
        return tzinfo.key is not None

    return tzinfo is None or type(tzinfo) is dt.timezone


def _write_int(value: int) -> Ext:
    # Bytes, not digits: decimal text is quadratic, and Python refuses it beyond 4,300 digits.
    return Ext(_BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _read_int(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def _write_decimal(value: Decimal) -> Ext:
    return Ext(_DECIMAL, str(value).encode())


def _read_decimal(data: bytes) -> Decimal:
    return Decimal(data.decode())


def _write_uuid(value: UUID) -> Ext:
    return Ext(_UUID, value.bytes)


def _read_uuid(data: bytes) -> UUID:
    return UUID(bytes=data)


def _write_date(value: dt.date) -> Ext:
    return Ext(_DATE, value.isoformat().encode())


def _read_date(data: bytes) -> dt.date:
    return dt.date.fromisoformat(data.decode())


def _write_timedelta(value: dt.timedelta) -> Ext:
    return Ext(_TIMEDELTA, _DELTA.pack(value.days, value.seconds, value.microseconds))


def _read_timedelta(data: bytes) -> dt.timedelta:
    return dt.timedelta(*_DELTA.unpack(data))


def _is_plain(value: dt.datetime | dt.time) -> bool:
    """Return whether ISO text alone says everything: no fold, and no name of a zone."""
    zone = value.tzinfo
    return not value.fold and (
        zone is None
        or zone is dt.UTC
        or (type(zone) is dt.timezone and len(zone.__getinitargs__()) == 1)  # type: ignore[attr-defined]  # what it pickles by
    )


def _zoned(value: dt.datetime | dt.time) -> bytes:
    """Return the ISO text without its zone, the fold, and the zone."""
    zone = value.tzinfo
    rest: Any = None

    if type(zone) is ZoneInfo and zone.key is not None:
        rest = zone.key
    elif type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        rest = [offset.days, offset.seconds, offset.microseconds, *zone.__getinitargs__()[1:]]  # type: ignore[attr-defined]  # what it pickles by
    elif zone is not None:
        raise TypeError(zone)

    return ormsgpack.packb([value.replace(tzinfo=None).isoformat(), value.fold, rest])


def _read_zoned(data: bytes) -> tuple[str, int, dt.tzinfo | None]:
    text, fold, rest = ormsgpack.unpackb(data)

    if rest is None:
        return text, fold, None

    if type(rest) is str:
        return text, fold, ZoneInfo(rest)

    days, seconds, microseconds, *name = rest
    return text, fold, dt.timezone(dt.timedelta(days, seconds, microseconds), *name)


def _write_datetime(value: dt.datetime) -> Ext:
    if _is_plain(value):
        return Ext(_DATETIME, value.isoformat().encode())

    return Ext(_DATETIME_ZONED, _zoned(value))


def _read_datetime(data: bytes) -> dt.datetime:
    return dt.datetime.fromisoformat(data.decode())


def _read_datetime_zoned(data: bytes) -> dt.datetime:
    text, fold, zone = _read_zoned(data)
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def _write_time(value: dt.time) -> Ext:
    if _is_plain(value):
        return Ext(_TIME, value.isoformat().encode())

    return Ext(_TIME_ZONED, _zoned(value))


def _read_time(data: bytes) -> dt.time:
    return dt.time.fromisoformat(data.decode())


def _read_time_zoned(data: bytes) -> dt.time:
    text, fold, zone = _read_zoned(data)
    return dt.time.fromisoformat(text).replace(tzinfo=zone, fold=fold)


WRITERS: dict[type, Callable[[Any], Ext]] = {
    int: _write_int,
    Decimal: _write_decimal,
    UUID: _write_uuid,
    dt.date: _write_date,
    dt.timedelta: _write_timedelta,
    dt.datetime: _write_datetime,
    dt.time: _write_time,
}
"""By exact type; an ``int`` comes here only when it does not fit into 64 bits."""

READERS: dict[int, Callable[[bytes], Any]] = {
    _BIG_INT: _read_int,
    _DECIMAL: _read_decimal,
    _UUID: _read_uuid,
    _DATE: _read_date,
    _TIMEDELTA: _read_timedelta,
    _DATETIME: _read_datetime,
    _DATETIME_ZONED: _read_datetime_zoned,
    _TIME: _read_time,
    _TIME_ZONED: _read_time_zoned,
}
"""By code."""
