"""Many values of one column at a time: what is plainly right needs no look at each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Optional

from .._types import INTEGER_TYPES, ColumnType
from ._times import utc_text

__all__ = ["Column", "column_for", "each_alone"]

Column = Callable[[Sequence[Any]], Optional[Sequence[Any]]]
"""Returns what SQLite stores, or ``None``: some value is not plainly right, look at each."""


def column_for(column_type: ColumnType) -> Column:
    """Return what encodes many values for a column of that type, as ``encoder_for`` does one."""
    if not column_type.portable:
        return each_alone

    if column_type.name in INTEGER_TYPES:
        return _integers(INTEGER_TYPES[column_type.name] - 1)

    if column_type.name == "TEXT":
        return _texts

    return _BY_NAME.get(column_type.name, each_alone)


def each_alone(_values: Sequence[Any]) -> None:
    """Leave them to the encoder of one value."""


def _present(values: Sequence[Any], kind: type) -> Optional[Sequence[Any]]:
    """Return the values without ``None``, or ``None`` where one is not exactly of ``kind``."""
    kinds = set(map(type, values))

    if kinds <= {kind}:
        return values

    return [value for value in values if value is not None] if kinds <= {kind, NoneType} else None


def _integers(bits: int) -> Column:
    high = (1 << bits) - 1
    low = -high - 1

    def encode(values: Sequence[Any]) -> Optional[Sequence[Any]]:
        present = _present(values, int)

        if present is None or (present and not low <= min(present) <= max(present) <= high):
            return None

        return values

    return encode


def _texts(values: Sequence[Any]) -> Optional[Sequence[Any]]:
    present = _present(values, str)

    if present is None:
        return None

    # One look at all of them together: for NUL, and for what UTF-8 cannot encode.
    joined = "".join(present)

    if "\0" in joined or not (joined.isascii() or _is_encodable(joined)):
        return None

    return values


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False

    return True


def _floats(values: Sequence[Any]) -> Optional[Sequence[Any]]:
    present = _present(values, float)
    return None if present is None or any(map(math.isnan, present)) else values


def _blobs(values: Sequence[Any]) -> Optional[Sequence[Any]]:
    return None if _present(values, bytes) is None else values


def _booleans(values: Sequence[Any]) -> Optional[Sequence[Any]]:
    if _present(values, bool) is None:
        return None

    return [None if value is None else int(value) for value in values]


def _instants(values: Sequence[Any]) -> Optional[Sequence[Any]]:
    present = _present(values, datetime)

    if present is None or not all(value.tzinfo is UTC for value in present):
        return None

    return [None if value is None else utc_text(value) for value in values]


_BY_NAME: dict[str, Column] = {
    "BOOLEAN": _booleans,
    "BYTEA": _blobs,
    "DOUBLE PRECISION": _floats,
    "TIMESTAMPTZ": _instants,
}
