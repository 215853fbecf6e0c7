"""The types that the Python values of a statement's parameters say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ._oids import ARRAYS, OIDS

__all__ = ["declared", "python_types"]

_INTERVAL: Final = OIDS["INTERVAL"]
_UUID: Final = OIDS["UUID"]
# What needs no second look.
_UNDECLARED = frozenset(
    {int, str, float, bool, bytes, type(None), datetime, date, Decimal, dict, list, tuple, set}
)
# In this order: a bool is an int, a datetime is a date.
_NAMES: tuple[tuple[Any, str], ...] = (
    (bool, "BOOLEAN"),
    (int, "BIGINT"),
    (float, "DOUBLE PRECISION"),
    (Decimal, "NUMERIC"),
    (str, "TEXT"),
    ((bytes, bytearray, memoryview), "BYTEA"),
    (datetime, "TIMESTAMPTZ"),
    (date, "DATE"),
    (timedelta, "INTERVAL"),
    (UUID, "UUID"),
)
_NAME_OF: Mapping[type, str] = {base: name for base, name in _NAMES if isinstance(base, type)}


def declared(params: Sequence[Any]) -> tuple[int, ...]:
    """Return the OIDs to declare when the statement is prepared; ``()`` where there are none.

    A ``timedelta`` is an interval, or ``now() - $1`` would not resolve, a ``UUID`` a uuid; 0
    leaves the type of the parameter to the server.
    """
    for value in params:
        if type(value) not in _UNDECLARED:
            break
    else:
        return ()

    oids = tuple(
        _INTERVAL if isinstance(value, timedelta) else _UUID if isinstance(value, UUID) else 0
        for value in params
    )
    return oids if any(oids) else ()


def python_types(params: Sequence[Any]) -> tuple[int, ...]:
    """Return the OIDs that the values alone say: for a statement whose types nothing else says."""
    return tuple(map(_python_type, params))


def _python_type(value: Any) -> int:
    if isinstance(value, (list, tuple, set, frozenset)):
        return _array_type(value)

    return OIDS[_name(value)]


def _name(value: Any) -> str:
    name = _NAME_OF.get(type(value))

    if name is None:
        name = next((name for base, name in _NAMES if isinstance(value, base)), None)

    if name == "TIMESTAMPTZ" and value.utcoffset() is None:
        return "TIMESTAMP"

    if name == "BIGINT" and not -(2**63) <= value < 2**63:
        return "NUMERIC"

    # What has no type here is refused by what it meets then.
    return name or ("TEXT" if value is None else "JSONB")


def _array_type(value: Any) -> int:
    """Return an array's type; a list of unlike things, or of dicts, is JSON."""
    names = {_name(item) for item in value if item is not None}

    if not names:
        return ARRAYS["TEXT"]

    if len(names) > 1 or "JSONB" in names:
        return OIDS["JSONB"] if isinstance(value, list) else ARRAYS["TEXT"]

    return ARRAYS[names.pop()]
