"""What SQLite stores on its way back to Python: by the declared type of a column, or by a cast."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["CAST_CONVERTERS", "CONVERTERS", "STANDARD_CONVERTERS", "register_converters"]

_Convert = Callable[[bytes], Any]


def _decimal(text: str) -> Decimal:
    return Decimal(text)


def _timestamptz(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    # Whatever wrote it without an offset meant UTC, as CURRENT_TIMESTAMP does.
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _timestamp(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _date(text: str) -> date:
    # A cast of a time to a date keeps the day.
    return date.fromisoformat(text[:10])


def _interval(text: str) -> timedelta:
    return timedelta(microseconds=int(text))


def _boolean(text: str) -> bool:
    return _BOOLEANS[text.lower()]


_BOOLEANS = {"1": True, "0": False, "true": True, "false": False, "t": True, "f": False}


def _json(text: str) -> Any:
    return json.loads(text)


def _lenient(decode: Callable[[str], Any]) -> _Convert:
    """Make a converter that gives back what does not parse as it is.

    The checks of a column of ours let the 31st of February through.
    """

    def convert(stored: bytes) -> Any:
        try:
            return decode(stored.decode())
        except (ValueError, KeyError, ArithmeticError):
            return _raw(stored)

    return convert


def _raw(stored: bytes) -> Any:
    """Return what SQLite stored; the driver hands numbers over as text, too."""
    for kind in (int, float):
        try:
            return kind(stored)
        except ValueError:
            continue

    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


CONVERTERS: Mapping[str, _Convert] = {
    "BOOLEAN_INT": b"1".__eq__,
    "DECIMAL_TEXT": _lenient(_decimal),
    "DATE_TEXT": _lenient(_date),
    "TIMESTAMP_TEXT": _lenient(datetime.fromisoformat),
    "TIMESTAMPTZ_TEXT": _lenient(datetime.fromisoformat),
    "INTERVAL_US": _lenient(_interval),
    "UUID_TEXT": _lenient(UUID),
    "JSON_TEXT": _lenient(_json),
    "JSONB_TEXT": _lenient(_json),
}
"""By the first word of the type of a column that ``create_table`` made."""

STANDARD_CONVERTERS: Mapping[str, _Convert] = {
    "BOOL": _lenient(_boolean),
    "BOOLEAN": _lenient(_boolean),
    "NUMERIC": _lenient(_decimal),
    "DECIMAL": _lenient(_decimal),
    "DATE": _lenient(_date),
    "TIMESTAMP": _lenient(_timestamp),
    "TIMESTAMPTZ": _lenient(_timestamptz),
    "UUID": _lenient(UUID),
    "JSON": _lenient(_json),
    "JSONB": _lenient(_json),
}
"""By the first word of the type of a column that a plain CREATE TABLE made."""


def register_converters() -> None:
    """Make the converters known to ``sqlite3``, which has one set of them for the process.

    Standard names that somebody else has registered stay theirs. They act on connections
    opened with ``detect_types`` only.
    """
    known: Mapping[str, Any] = getattr(sqlite3, "converters", {})

    for name, convert in CONVERTERS.items():
        if known.get(name) is not convert:
            sqlite3.register_converter(name, convert)

    for name, convert in STANDARD_CONVERTERS.items():
        # Those of the standard library itself fail on a time zone, and are deprecated.
        if getattr(known.get(name), "__module__", "sqlite3.dbapi2") == "sqlite3.dbapi2":
            sqlite3.register_converter(name, convert)


def _of_value(decode: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Make the converter of a cast, which gets the value; what does not parse stays."""

    def convert(value: Any) -> Any:
        try:
            return decode(str(value))
        except (ValueError, KeyError, ArithmeticError):
            return value

    return convert


CAST_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    "bool": _of_value(_boolean),
    "boolean": _of_value(_boolean),
    "numeric": _of_value(_decimal),
    "decimal": _of_value(_decimal),
    "date": _of_value(_date),
    "timestamp": _of_value(_timestamp),
    "timestamp without time zone": _of_value(_timestamp),
    "timestamptz": _of_value(_timestamptz),
    "timestamp with time zone": _of_value(_timestamptz),
    "interval": _of_value(_interval),
    "uuid": _of_value(UUID),
    "json": _of_value(_json),
    "jsonb": _of_value(_json),
}
"""By the type of a ``CAST(... AS type)``, in lower case and without arguments."""
