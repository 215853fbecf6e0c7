"""How a value that does not fit its parameter is refused."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from ....interfaces.exceptions import OperationError, ValidationError
from ..._shown import shown

__all__ = ["TEXTS", "TextInput", "mismatch", "out_of_range"]

TEXTS = frozenset({"TEXT", "VARCHAR", "CHAR", "name", '"char"', "xml"})
"""The types of text, as errors show them."""

_CASTS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double precision"),
    (Decimal, "numeric"),
    (datetime, "timestamptz"),
    (date, "date"),
    (time, "time"),
    (timedelta, "interval"),
    (UUID, "uuid"),
    (bytes, "bytea"),
    (dict, "jsonb"),
)


class TextInput(Exception):
    """The value goes in the text format only: a ``str`` for a type that is no text."""


def mismatch(name: str, takes: str, value: Any) -> NoReturn:
    """Raise for a value of a type that the parameter does not take."""
    kind = type(value).__name__
    msg = f"{name} takes {takes}, got {kind} {shown(value)}{_hint(name, value)}"
    raise ValidationError(msg)


def out_of_range(name: str, value: Any) -> NoReturn:
    """Raise for a value that does not fit its type."""
    msg = f"{name} cannot hold {shown(value)}: out of its range"
    raise OperationError(msg, sqlstate="22003", outcome="not_applied")


def _hint(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple, set, frozenset)) and not name.endswith("[]"):
        return "; where any of its items is meant write = ANY($1)"

    cast = next((cast for base, cast in _CASTS if isinstance(value, base)), None)

    if cast is None:
        return ""

    if isinstance(value, datetime) and value.tzinfo is None:
        cast = "timestamp"

    if name in TEXTS or not name.isupper():
        return f"; write str(x), or in the statement a cast as in $1::{cast}"

    return f"; where that is meant write a cast in the statement, as in $1::{cast}"
