"""The default of a column: a literal of the column's own type, or one of two functions."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from ..interfaces.exceptions import ValidationError
from ._cursor import Cursor
from ._shown import shown
from ._tokens import TokenKind
from ._types import INTEGER_TYPES, TIME_TYPES, ColumnType

__all__ = ["NOW", "RANDOM_UUID", "Default", "default_of_value", "fit_numeric", "read_default"]

NOW = "now()"
RANDOM_UUID = "gen_random_uuid()"
_WIDE = Context(prec=2200, rounding=ROUND_HALF_UP, Emax=999_999, Emin=-999_999)


@dataclass(frozen=True, slots=True)
class Default:
    """What a column gets that is not given: ``value``, or what ``function`` returns."""

    value: Any = None
    function: str | None = None


def read_default(cursor: Cursor, column_type: ColumnType) -> Default | None:
    """Read what follows DEFAULT; ``None`` for NULL."""
    if cursor.accept("NULL"):
        return None

    if cursor.accept("NOW", "(", ")") or cursor.accept("CURRENT_TIMESTAMP"):
        return _function(NOW, column_type)

    if cursor.accept("GEN_RANDOM_UUID", "(", ")"):
        return _function(RANDOM_UUID, column_type)

    return Default(_typed(_literal(cursor), column_type))


def default_of_value(value: Any, column_type: ColumnType) -> Default | None:
    """Return the default that a ``Column`` gives as a Python value; ``None``: it has none."""
    if value is None:
        return None

    if isinstance(value, str) and value == NOW and column_type.name in TIME_TYPES:
        return _function(NOW, column_type)

    if isinstance(value, str) and value == RANDOM_UUID and column_type.name == "UUID":
        return _function(RANDOM_UUID, column_type)

    if column_type.name in ("JSON", "JSONB"):
        return Default(json.loads(_json_text(value)))

    return Default(_typed(value, column_type))


def fit_numeric(value: Decimal, column_type: ColumnType) -> Decimal | None:
    """Return ``value`` rounded half up to the type's scale; ``None`` when it is too large."""
    if not column_type.arguments or value.is_nan():
        return value

    precision, scale = (int(argument) for argument in column_type.arguments)

    if value.is_infinite() or (value and value.adjusted() > precision):
        return None

    rounded = value.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    return rounded if not rounded or rounded.adjusted() < precision - scale else None


def _function(function: str, column_type: ColumnType) -> Default:
    fits = column_type.name in TIME_TYPES if function == NOW else column_type.name == "UUID"

    if not fits or column_type.dimensions:
        msg = f"{function} is no default for {column_type}"
        raise ValidationError(msg)

    return Default(function=function)


def _literal(cursor: Cursor) -> str | int | Decimal | bool:
    for word in ("TRUE", "FALSE"):
        if cursor.accept(word):
            return word == "TRUE"

    sign = -1 if cursor.accept("-") else 1
    token = cursor.token

    if token is not None and token.kind is TokenKind.NUMBER and token.text[-1].isdecimal():
        return _number(cursor.take().text, sign)

    if token is None or sign < 0 or token.kind is not TokenKind.STRING or token.text[0] != "'":
        cursor.fail("a literal, now() or gen_random_uuid()")

    return cursor.take().text[1:-1].replace("''", "'")


def _number(text: str, sign: int) -> int | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as exc:
        msg = f"the default {text[:40]!r} is no number that can be stored"
        raise ValidationError(msg) from exc

    whole = text.isdecimal() and len(text) < 30
    # copy_negate is exact; unary minus would round to the context's digits.
    return sign * int(text) if whole else number if sign > 0 else number.copy_negate()


def _typed(value: Any, column_type: ColumnType) -> Any:
    """Return a literal as a value of the column's type, or raise ``ValidationError``."""
    # What only PostgreSQL knows, it judges.
    if not column_type.portable:
        return value

    try:
        return _CONVERSIONS[column_type.name](value, column_type)
    except (ValueError, TypeError, ArithmeticError, struct.error) as exc:
        msg = f"the default {shown(value)} does not fit {column_type}"
        raise ValidationError(msg) from exc


def _require(fits: bool) -> None:
    if not fits:
        raise TypeError


def _integer(value: Any, column_type: ColumnType) -> int:
    _require(type(value) is int)
    limit = 1 << (INTEGER_TYPES[column_type.name] - 1)
    _require(-limit <= value < limit)
    return int(value)


def _float(value: Any, column_type: ColumnType) -> float:
    _require(type(value) in (int, float, Decimal))
    number = float(value)
    _require(not math.isnan(number))

    # Kept as the four bytes that the column keeps.
    return (
        struct.unpack("<f", struct.pack("<f", number))[0] if column_type.name == "REAL" else number
    )


def _numeric(value: Any, column_type: ColumnType) -> Decimal:
    _require(type(value) in (int, float, Decimal))
    number = fit_numeric(
        Decimal(repr(value)) if type(value) is float else Decimal(value), column_type
    )
    _require(number is not None and number.is_finite())
    return number or Decimal(0)


def _boolean(value: Any, _: ColumnType) -> bool:
    _require(type(value) is bool)
    return bool(value)


def _text(value: Any, column_type: ColumnType) -> str:
    _require(isinstance(value, str) and "\0" not in value)
    text = str.__str__(value)
    text.encode()
    _require(not column_type.arguments or len(text) <= int(column_type.arguments[0]))
    return text


def _bytes(value: Any, _: ColumnType) -> bytes:
    _require(isinstance(value, bytes))
    return bytes(value)


def _date(value: Any, _: ColumnType) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)

    _require(isinstance(value, date) and not isinstance(value, datetime))
    found: date = value
    return found


def _timestamp(value: Any, _: ColumnType) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    _require(isinstance(found, datetime) and found.tzinfo is None)
    return found


def _timestamptz(value: Any, _: ColumnType) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    _require(isinstance(found, datetime))

    # The time zone of a session is UTC everywhere; only a text may leave it out.
    if found.tzinfo is None and isinstance(value, str):
        found = found.replace(tzinfo=UTC)

    _require(found.utcoffset() is not None)
    return found.astimezone(UTC)


def _interval(value: Any, _: ColumnType) -> timedelta:
    _require(isinstance(value, timedelta))
    found: timedelta = value
    return found


def _uuid(value: Any, _: ColumnType) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _json(value: Any, _: ColumnType) -> Any:
    _require(isinstance(value, str))
    return json.loads(value, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        msg = f"the default {shown(value)} is nothing that JSON carries"
        raise ValidationError(msg) from exc


_CONVERSIONS: Mapping[str, Callable[[Any, ColumnType], Any]] = {
    "SMALLINT": _integer,
    "INTEGER": _integer,
    "BIGINT": _integer,
    "REAL": _float,
    "DOUBLE PRECISION": _float,
    "NUMERIC": _numeric,
    "BOOLEAN": _boolean,
    "TEXT": _text,
    "VARCHAR": _text,
    "BYTEA": _bytes,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMPTZ": _timestamptz,
    "INTERVAL": _interval,
    "UUID": _uuid,
    "JSON": _json,
    "JSONB": _json,
}
