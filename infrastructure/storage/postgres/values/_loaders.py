"""The driver's loaders, where they are exact, and ours, where they are not."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format
from psycopg.types import bool as booleans, datetime as times, numeric, string, uuid
from psycopg.types.array import ArrayBinaryLoader

from . import _calendar
from ._oids import ELEMENT_OF, OIDS

__all__ = ["BINARY", "EXACT", "FAST", "loader", "parse_json"]

Load = Callable[[Any], Any]

_NUMERIC_SPECIAL = {
    0xC000: Decimal("NaN"),
    0xD000: Decimal("Infinity"),
    0xF000: Decimal("-Infinity"),
}
_unpack_numeric = struct.Struct("!HhHH").unpack_from
_decode_json = json.JSONDecoder().decode


def loader(load: Load, form: Format = Format.BINARY) -> type[Loader]:
    """Return a loader of the driver's kind that calls ``load``."""

    class _Loader(Loader):
        format = form

        def load(self, data: Any) -> Any:
            return load(data)

    return _Loader


def parse_json(data: Any) -> Any:
    """Return what JSON text says; what Python does not read, an int of 5,000 digits, is its text."""
    text = str(data, "utf-8")

    try:
        return _decode_json(text)
    except (ValueError, RecursionError):
        return text


def _jsonb(data: Any) -> Any:
    # A version comes before the text.
    return parse_json(data[1:])


def _byte(data: Any) -> str:
    """Return a "char" as the server writes it."""
    code = data[0]
    return "" if not code else chr(code) if code < 128 else f"\\{code:o}"


def _numeric(data: Any) -> Decimal:
    """Return a numeric, whatever the program's decimal contexts are."""
    count, weight, sign, scale = _unpack_numeric(data)

    if sign in _NUMERIC_SPECIAL:
        return _NUMERIC_SPECIAL[sign]

    groups = struct.unpack_from(f"!{count}H", data, 8)
    digits = "".join([f"{group:04}" for group in groups])
    # Zeros at the end are not stored, and the last group may go beyond the scale.
    length = (weight + 1) * 4 + scale
    digits = digits.ljust(length, "0")[: max(length, 0)] or "0"
    return Decimal(f"{'-' if sign else ''}{digits}E-{scale}")


_DRIVERS: Mapping[str, Any] = {
    "BOOLEAN": booleans.BoolBinaryLoader,
    "BYTEA": string.ByteaBinaryLoader,
    "name": string.TextBinaryLoader,
    "BIGINT": numeric.Int8BinaryLoader,
    "SMALLINT": numeric.Int2BinaryLoader,
    "INTEGER": numeric.Int4BinaryLoader,
    "TEXT": string.TextBinaryLoader,
    "oid": numeric.OidBinaryLoader,
    "xid": numeric.OidBinaryLoader,
    "cid": numeric.OidBinaryLoader,
    "xid8": numeric.Int8BinaryLoader,
    "REAL": numeric.Float4BinaryLoader,
    "DOUBLE PRECISION": numeric.Float8BinaryLoader,
    "CHAR": string.TextBinaryLoader,
    "VARCHAR": string.TextBinaryLoader,
    "DATE": times.DateBinaryLoader,
    "TIMESTAMP": times.TimestampBinaryLoader,
    "TIMESTAMPTZ": times.TimestamptzBinaryLoader,
    "NUMERIC": numeric.NumericBinaryLoader,
    "void": string.TextBinaryLoader,
    "UUID": uuid.UUIDBinaryLoader,
}
_OURS: Mapping[str, Load] = {
    '"char"': _byte,
    "JSON": parse_json,
    "JSONB": _jsonb,
    "INTERVAL": _calendar.interval_of,
    "time": _calendar.time_text,
    "timetz": _calendar.timetz_text,
}
# Of what the driver does not know, or rounds: slower.
_COMPLETE: Mapping[str, Load] = {
    "DATE": _calendar.day_of,
    "TIMESTAMP": _calendar.timestamp_of,
    "TIMESTAMPTZ": _calendar.timestamptz_of,
    "NUMERIC": _numeric,
}


def _adapters(ours: Mapping[str, Load]) -> AdaptersMap:
    adapters = AdaptersMap()

    for name, driver in _DRIVERS.items():
        adapters.register_loader(OIDS[name], driver)

    for name, load in ours.items():
        adapters.register_loader(OIDS[name], loader(load))

    known = {OIDS[name] for name in (*_DRIVERS, *_OURS)}

    for oid, element in ELEMENT_OF.items():
        if element in known:
            adapters.register_loader(oid, ArrayBinaryLoader)

    return adapters


FAST: Final = _adapters(_OURS)
"""Reads the binary format, but fails on dates and times that Python does not have."""

EXACT: Final = _adapters({**_OURS, **_COMPLETE})
"""Reads those, too."""

_KNOWN = frozenset(OIDS[name] for name in (*_DRIVERS, *_OURS))
BINARY: Final = _KNOWN | {oid for oid, element in ELEMENT_OF.items() if element in _KNOWN}
"""The OIDs of the types that are read in the binary format."""
