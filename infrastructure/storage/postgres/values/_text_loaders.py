"""Loaders of the text format, for results with a type that has none in binary."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg.adapt import AdaptersMap
from psycopg.pq import Format
from psycopg.types import bool as booleans, numeric, string, uuid
from psycopg.types.array import ArrayLoader

from ._loaders import Load, loader, parse_json
from ._oids import ELEMENT_OF, OIDS

__all__ = ["TEXT"]

_INTERVAL = re.compile(
    r"(?:([+-]?\d+) days?)? ?(?:([+-])?(\d+):(\d\d):(\d\d)(?:\.(\d+))?)?", re.ASCII
)
_SINGLE = struct.Struct("f")


def _byte(data: Any) -> str:
    # PostgreSQL 14 writes one beyond ASCII as it is, which is no UTF-8.
    return f"\\{data[0]:o}" if len(data) == 1 and data[0] > 127 else str(data, "utf-8")


def _real(data: Any) -> float:
    # The same number as in binary: a single one, not its shortest text as a double one.
    number: float = _SINGLE.unpack(_SINGLE.pack(float(str(data, "utf-8"))))[0]
    return number


def _day(data: Any) -> date | str:
    text = str(data, "utf-8")

    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _timestamp(data: Any) -> datetime | str:
    text = str(data, "utf-8")

    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return text

    return text if value.tzinfo else value


def _timestamptz(data: Any) -> datetime | str:
    text = str(data, "utf-8")

    try:
        value = datetime.fromisoformat(text)
        return value.astimezone(UTC) if value.tzinfo else text
    except (ValueError, OverflowError):
        return text


def _interval(data: Any) -> timedelta | str:
    text = str(data, "utf-8")
    found = _INTERVAL.fullmatch(text)

    if not text or found is None:
        return text

    days, sign, hours, minutes, seconds, fraction = found.groups(default="")
    count = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    count = count * 1_000_000 + int(fraction.ljust(6, "0") or 0)

    try:
        return timedelta(int(days or 0), 0, -count if sign == "-" else count)
    except OverflowError:
        return text


_DRIVERS: Mapping[str, Any] = {
    "BOOLEAN": booleans.BoolLoader,
    "BYTEA": string.ByteaLoader,
    "BIGINT": numeric.IntLoader,
    "SMALLINT": numeric.IntLoader,
    "INTEGER": numeric.IntLoader,
    "oid": numeric.IntLoader,
    "xid": numeric.IntLoader,
    "cid": numeric.IntLoader,
    "xid8": numeric.IntLoader,
    "DOUBLE PRECISION": numeric.FloatLoader,
    "NUMERIC": numeric.NumericLoader,
    "UUID": uuid.UUIDLoader,
}
_OURS: Mapping[str, Load] = {
    '"char"': _byte,
    "REAL": _real,
    "JSON": parse_json,
    "JSONB": parse_json,
    "DATE": _day,
    "TIMESTAMP": _timestamp,
    "TIMESTAMPTZ": _timestamptz,
    "INTERVAL": _interval,
}
_UNKNOWN = 0


def _adapters() -> AdaptersMap:
    adapters = AdaptersMap()
    adapters.register_loader(_UNKNOWN, string.TextLoader)

    for name, driver in _DRIVERS.items():
        adapters.register_loader(OIDS[name], driver)

    for name, load in _OURS.items():
        adapters.register_loader(OIDS[name], loader(load, Format.TEXT))

    for oid, element in ELEMENT_OF.items():
        array = type("_Array", (ArrayLoader,), {"base_oid": element, "delimiter": b","})
        adapters.register_loader(oid, array)

    return adapters


TEXT: Final = _adapters()
"""Reads the text format; what it does not know, as text."""
