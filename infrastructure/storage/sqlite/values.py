"""Python values on their way into SQLite: by the type of their column, or by their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ...interfaces.exceptions import OperationError, ValidationError
from .._json import encode_json
from .._shown import shown
from .._types import ColumnType
from ._numbers import boolean, decimal_text, floating, integer, mismatch, numeric
from ._times import day, interval, microseconds, timestamp, timestamptz
from .converters import CAST_CONVERTERS, CONVERTERS, register_converters

__all__ = [
    "CAST_CONVERTERS",
    "CONVERTERS",
    "encode_all",
    "encode_any",
    "encoder_for",
    "register_converters",
]

_Encode = Callable[[Any], Any]


def encoder_for(column_type: ColumnType) -> _Encode:
    """Return what makes SQLite's value of a Python value for a column of that type.

    ``None`` fits everywhere. A value of a wrong type raises ``ValidationError``, one out of the
    type's range, precision or length ``OperationError`` (22003, 22001).
    """
    if not column_type.portable:
        return encode_any

    return _ENCODERS[column_type.name](column_type)


def encode_any(value: Any) -> Any:
    """Return SQLite's value of a Python value whose column is not known."""
    encode = _BY_TYPE.get(type(value))

    if encode is not None:
        return encode(value)

    for base, encode_base in _BY_BASE:
        if isinstance(value, base):
            return encode_base(value)

    hint = "; use one parameter for each item" if isinstance(value, (tuple, set, frozenset)) else ""
    msg = f"a parameter cannot be of type {type(value).__name__}: {shown(value)}{hint}"
    raise ValidationError(msg)


def encode_all(values: Sequence[Any]) -> list[Any]:
    """Return SQLite's values of parameters whose columns are not known."""
    # An int that fits, the usual key, goes the shortest way.
    return [
        value if type(value) is int and -(2**63) <= value < 2**63 else encode_any(value)
        for value in values
    ]


def _text(column_type: ColumnType) -> _Encode:
    length = int(column_type.arguments[0]) if column_type.arguments else None

    def encode(value: Any) -> str | None:
        if value is None:
            return None

        if not isinstance(value, str):
            mismatch(column_type, "a str", value)

        text = _any_text(value)

        if length is None or len(text) <= length:
            return text

        # As PostgreSQL does: blanks beyond the end are no data.
        if text[length:].strip(" "):
            msg = f"{column_type} cannot hold {len(text)} characters: {text[:40]!r}..."
            raise OperationError(msg, sqlstate="22001", outcome="not_applied")

        return text[:length]

    return encode


def _bytes(column_type: ColumnType) -> _Encode:
    def encode(value: Any) -> bytes | None:
        if value is None or type(value) is bytes:
            return value

        if not isinstance(value, (bytes, bytearray, memoryview)):
            mismatch(column_type, "bytes", value)

        return bytes(value)

    return encode


def _uuid(column_type: ColumnType) -> _Encode:
    def encode(value: Any) -> str | None:
        if value is None:
            return None

        if not isinstance(value, UUID):
            mismatch(column_type, "a UUID", value)

        return UUID.__str__(value)

    return encode


def _json(column_type: ColumnType) -> _Encode:
    def encode(value: Any) -> str | None:
        return None if value is None else encode_json(value)

    return encode


_ENCODERS: Mapping[str, Callable[[ColumnType], _Encode]] = {
    "SMALLINT": integer,
    "INTEGER": integer,
    "BIGINT": integer,
    "REAL": floating,
    "DOUBLE PRECISION": floating,
    "NUMERIC": numeric,
    "BOOLEAN": boolean,
    "TEXT": _text,
    "VARCHAR": _text,
    "BYTEA": _bytes,
    "DATE": day,
    "TIMESTAMP": timestamp,
    "TIMESTAMPTZ": timestamptz,
    "INTERVAL": interval,
    "UUID": _uuid,
    "JSON": _json,
    "JSONB": _json,
}


def _any_text(value: str) -> str:
    text = value if type(value) is str else str.__str__(value)

    if "\0" in text:
        msg = f"a str parameter contains NUL, which no database stores as text: {text[:40]!r}"
        raise ValidationError(msg)

    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            msg = f"a str parameter cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
            raise ValidationError(msg) from exc

    return text


def _any_int(value: int) -> int:
    number = int.__index__(value)

    if -(2**63) <= number < 2**63:
        return number

    msg = f"an int parameter has 64 bits, got one of {number.bit_length()}: pass a Decimal"
    raise ValidationError(msg)


def _any_float(value: float) -> float:
    number = float.__float__(value)

    if math.isnan(number):
        msg = "SQLite cannot tell a float nan from NULL (missing feature float_nan)"
        raise ValidationError(msg)

    return number


def _any_datetime(value: datetime) -> Any:
    encode = _NAIVE if value.tzinfo is None else _AWARE
    return encode(value)


_NAIVE = timestamp(ColumnType("TIMESTAMP"))
_AWARE = timestamptz(ColumnType("TIMESTAMPTZ"))
_ENCODE_BYTES = _bytes(ColumnType("BYTEA"))
# In this order: a bool is an int, a datetime is a date.
_BY_BASE: tuple[tuple[Any, _Encode], ...] = (
    (bool, int),
    (int, _any_int),
    (float, _any_float),
    (str, _any_text),
    ((bytes, bytearray, memoryview), _ENCODE_BYTES),
    (datetime, _any_datetime),
    (date, date.isoformat),
    (timedelta, microseconds),
    (Decimal, decimal_text),
    (UUID, UUID.__str__),
    ((dict, list), encode_json),
)
_BY_TYPE: Mapping[type, _Encode] = {
    type(None): lambda _: None,
    **{base: encode for base, encode in _BY_BASE if isinstance(base, type)},
    bytes: bytes,
    dict: encode_json,
    list: encode_json,
}
