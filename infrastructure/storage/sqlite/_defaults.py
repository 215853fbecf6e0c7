"""The defaults of SQLite's columns, written as SQL and read back from the catalogue."""

from __future__ import annotations

import math
import re
from typing import Any

from .._literals import NOW, RANDOM_UUID, Default
from .._types import ColumnType
from .converters import CONVERTERS
from .values import encoder_for

__all__ = ["read_default", "render_default"]

# What the functions give a column of another type than their own.
_NOW = {"TIMESTAMPTZ": "now()", "TIMESTAMP": "substr(now(), 1, 26)", "DATE": "substr(now(), 1, 10)"}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.IGNORECASE)
_MARKERS = {
    "NUMERIC": "DECIMAL_TEXT",
    "BOOLEAN": "BOOLEAN_INT",
    "DATE": "DATE_TEXT",
    "TIMESTAMP": "TIMESTAMP_TEXT",
    "TIMESTAMPTZ": "TIMESTAMPTZ_TEXT",
    "INTERVAL": "INTERVAL_US",
    "UUID": "UUID_TEXT",
    "JSON": "JSON_TEXT",
    "JSONB": "JSONB_TEXT",
}


def render_default(column_type: ColumnType, default: Default) -> str:
    """Return what follows DEFAULT."""
    if default.function == NOW:
        return f"({_NOW[column_type.name]})"

    if default.function is not None:
        return f"({default.function})"

    return _literal(encoder_for(column_type)(default.value))


def read_default(text: str, column_type: ColumnType) -> Default | None:
    """Return the default that the catalogue shows as ``text``; an expression as it stands."""
    if text.upper() == "NULL":
        return None

    if text in (NOW, "now ()", _NOW.get(column_type.name)):
        return Default(function=NOW)

    if text == RANDOM_UUID:
        return Default(function=RANDOM_UUID)

    stored = _stored(text)
    return Default(function=text) if stored is None else Default(_decoded(stored, column_type))


def _literal(stored: Any) -> str:
    """Return one of SQLite's values as it stands in SQL."""
    if isinstance(stored, str):
        return "'" + stored.replace("'", "''") + "'"

    if isinstance(stored, bytes):
        return f"x'{stored.hex()}'"

    if isinstance(stored, float) and math.isinf(stored):
        return "9e999" if stored > 0 else "-9e999"

    return repr(stored)


def _stored(text: str) -> Any:
    """Return the value of a literal; ``None`` where it is none."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")

    if re.fullmatch(r"[xX]'(?:[0-9a-fA-F]{2})*'", text):
        return bytes.fromhex(text[2:-1])

    if text.lower() in ("true", "false"):
        return int(text.lower() == "true")

    if not _NUMBER.fullmatch(text):
        return None

    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _decoded(stored: Any, column_type: ColumnType) -> Any:
    marker = _MARKERS.get(column_type.name) if column_type.portable else None

    if marker is None:
        return stored

    return CONVERTERS[marker](str(stored).encode())
