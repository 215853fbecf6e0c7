"""Numbers and booleans on their way into SQLite."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from ...interfaces.exceptions import OperationError, ValidationError
from .._literals import fit_numeric
from .._shown import shown
from .._types import INTEGER_TYPES, ColumnType

__all__ = [
    "boolean",
    "decimal_text",
    "floating",
    "integer",
    "mismatch",
    "numeric",
    "out_of_range",
    "shown",
]

Encode = Callable[[Any], Any]

# What PostgreSQL's numeric holds before and after the point.
_MOST_BEFORE = 131_072
_MOST_AFTER = 16_383


def mismatch(column_type: ColumnType | str, takes: str, value: Any) -> NoReturn:
    """Raise for a value of a type that the column does not take."""
    hint = ""

    if isinstance(value, str):
        hint = "; a text is not read as another type here (missing feature text_input): convert it"
    elif str(column_type).startswith(("TEXT", "VARCHAR")):
        hint = "; write str(x)"

    msg = f"{column_type} takes {takes}, got {type(value).__name__} {shown(value)}{hint}"
    raise ValidationError(msg)


def out_of_range(column_type: ColumnType | str, value: Any, sqlstate: str = "22003") -> NoReturn:
    """Raise for a value that does not fit its column."""
    msg = f"{column_type} cannot hold {shown(value)}: out of its range"
    raise OperationError(msg, sqlstate=sqlstate, outcome="not_applied")


def boolean(column_type: ColumnType) -> Encode:
    """Return the encoder of BOOLEAN."""

    def encode(value: Any) -> int | None:
        if value is True or value is False:
            return int(value)

        return None if value is None else mismatch(column_type, "a bool", value)

    return encode


def integer(column_type: ColumnType) -> Encode:
    """Return the encoder of an integer type."""
    high = (1 << (INTEGER_TYPES[column_type.name] - 1)) - 1
    low = -high - 1

    def encode(value: Any) -> int | None:
        if value is None:
            return None

        if type(value) is not int:
            if not isinstance(value, int) or isinstance(value, bool):
                mismatch(column_type, "an int", value)

            value = int.__index__(value)

        if low <= value <= high:
            return int(value)

        msg = f"{column_type} takes an int of {low} to {high}, got {shown(value)}"
        raise ValidationError(msg)

    return encode


def floating(column_type: ColumnType) -> Encode:
    """Return the encoder of REAL or DOUBLE PRECISION."""
    single = column_type.name == "REAL"

    def encode(value: Any) -> float | None:
        if value is None:
            return None

        number = value if type(value) is float else _to_float(column_type, value)

        if math.isnan(number):
            msg = f"{column_type}: SQLite cannot tell nan from NULL (missing feature float_nan)"
            raise ValidationError(msg)

        return _to_single(column_type, number) if single else number

    return encode


def numeric(column_type: ColumnType) -> Encode:
    """Return the encoder of NUMERIC: rounded half up to its scale, as exact text."""

    def encode(value: Any) -> str | None:
        if value is None:
            return None

        number = fit_numeric(_to_decimal(column_type, value), column_type)

        if number is None:
            out_of_range(column_type, value)

        return decimal_text(number)

    return encode


def decimal_text(value: Decimal) -> str:
    """Return a decimal without an exponent, as PostgreSQL's numeric would print it."""
    if not value.is_finite():
        return _special_text(value)

    # The exponent first: written out, 1e999999 would take a megabyte.
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)

    if value.adjusted() >= _MOST_BEFORE or -exponent > _MOST_AFTER:
        out_of_range("NUMERIC", value)

    # numeric has no negative zero.
    return format(value or abs(value), "f")


def _special_text(value: Decimal) -> str:
    if value.is_infinite():
        return "Infinity" if value > 0 else "-Infinity"

    if value.is_snan():
        msg = "NUMERIC does not hold a signalling NaN"
        raise ValidationError(msg)

    return "NaN"


def _to_float(column_type: ColumnType, value: Any) -> float:
    if isinstance(value, float):
        return float.__float__(value)

    if not isinstance(value, (int, Decimal)) or isinstance(value, bool):
        mismatch(column_type, "a float, int or Decimal", value)

    try:
        number = float(value)
    except (OverflowError, ValueError) as exc:
        msg = f"{column_type} cannot hold the {type(value).__name__} {shown(value)}"
        raise ValidationError(msg) from exc

    # float() of a huge Decimal is infinity without a word.
    if math.isinf(number) and isinstance(value, Decimal) and value.is_finite():
        out_of_range(column_type, value)

    return number


def _to_single(column_type: ColumnType, number: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        out_of_range(column_type, number)

    return rounded


def _to_decimal(column_type: ColumnType, value: Any) -> Decimal:
    if type(value) is Decimal:
        return value

    if isinstance(value, float):
        return Decimal(repr(float.__float__(value)))

    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        mismatch(column_type, "a Decimal, int or float", value)

    return Decimal(value)
