"""Which values the driver's C code may write as they are, and the exact form of all others.

The C code is fast and believes its caller: it cuts an int to 32 bits, takes a bool for an int
and sends NUL. Whole columns are looked at, which costs less than a look at each value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, Final

from psycopg import abc
from psycopg.adapt import AdaptersMap, Dumper, Transformer
from psycopg.pq import Format
from psycopg.types.bool import BoolBinaryDumper
from psycopg.types.datetime import (
    DateBinaryDumper,
    DatetimeBinaryDumper,
    DatetimeNoTzBinaryDumper,
    TimedeltaBinaryDumper,
)
from psycopg.types.numeric import (
    FloatBinaryDumper,
    Int2BinaryDumper,
    Int4BinaryDumper,
    Int8BinaryDumper,
)
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper

from ...interfaces.exceptions import InfrastructureError
from .values import TextInput, encoder_of

__all__ = [
    "RAW",
    "Column",
    "are_rows",
    "before_the_first_bad",
    "columns_of",
    "forms_of",
    "transformer",
]

Encode = Callable[[Any], "bytes | None"]
Check = Callable[[Sequence[Any]], bool]

_TEXT = 25

RAW = 17
"""The type that is written as it is: bytea."""


def _all_of(kind: type, values: Sequence[Any]) -> bool:
    """Return whether every value is of this very type."""
    return list(map(type, values)).count(kind) == len(values)


def _of(kind: type) -> Check:
    return partial(_all_of, kind)


def _integers(code: str) -> Check:
    """Return a check that every value is an int that ``struct`` packs as ``code``."""

    def check(values: Sequence[Any]) -> bool:
        struct.pack(f"{len(values)}{code}", *values)
        # A bool packs, too.
        return _all_of(int, values)

    return check


def _floats(values: Sequence[Any]) -> bool:
    if _all_of(float, values):
        return True

    # An int may be too large.
    struct.pack(f"{len(values)}d", *values)
    return {int, float}.issuperset(map(type, values))


def _texts(values: Sequence[Any]) -> bool:
    # A str subclass is written as its base: so is it here.
    joined = "".join(values)

    if not joined.isascii():
        joined.encode()

    return "\0" not in joined


def _never(_values: Sequence[Any]) -> bool:
    return False


_FAST: Final[Mapping[int, tuple[type, type[Dumper], Check]]] = {
    16: (bool, BoolBinaryDumper, _of(bool)),
    17: (bytes, BytesBinaryDumper, _of(bytes)),
    20: (int, Int8BinaryDumper, _of(int)),
    21: (int, Int2BinaryDumper, _integers("h")),
    23: (int, Int4BinaryDumper, _integers("i")),
    25: (str, StrBinaryDumper, _texts),
    701: (float, FloatBinaryDumper, _floats),
    1082: (date, DateBinaryDumper, _of(date)),
    1114: (datetime, DatetimeNoTzBinaryDumper, _of(datetime)),
    1184: (datetime, DatetimeBinaryDumper, _of(datetime)),
    1186: (timedelta, TimedeltaBinaryDumper, _of(timedelta)),
}
"""The base type of the values, what writes them, and what this is right for where it does not raise."""

# char(n) and varchar(n) are written as text.
_SAME: Final[Mapping[int, int]] = {1042: _TEXT, 1043: _TEXT}


def _adapters() -> AdaptersMap:
    # Its own: what an application registers with psycopg must not change what is written here.
    adapters = AdaptersMap()

    for kind, dumper, _ in _FAST.values():
        adapters.register_dumper(kind, dumper)

    return adapters


_ADAPTERS = _adapters()


@lru_cache(maxsize=64)
def transformer(oids: tuple[int, ...]) -> abc.Transformer:
    """Return what the driver's C code writes rows of these types with; not to be changed."""
    made = Transformer(_ADAPTERS)
    made.set_dumper_types(oids, Format.BINARY)
    return made


class Column:
    """One column of many values.

    ``oid``   the type that the C code writes: the column's own, or bytes that are its exact form;
    ``fast``  whether it is the column's own.
    """

    __slots__ = ("_check", "_encode", "fast", "oid")

    def __init__(self, oid: int, encode: Encode) -> None:
        same = _SAME.get(oid, oid)
        self.fast: bool = same in _FAST
        self.oid: int = same if self.fast else RAW
        self._check: Check = _FAST[same][2] if self.fast else _never
        self._encode = encode

    def _passes(self, values: Sequence[Any]) -> bool:
        try:
            return self._check(values)
        except (TypeError, ValueError, OverflowError, struct.error):
            return False

    def fits(self, values: Sequence[Any]) -> bool:
        """Return whether the C code, where it takes these values, NULL too, writes them exactly."""
        if self._passes(values):
            return True

        present = [value for value in values if value is not None]
        return len(present) < len(values) and self._passes(present)

    def exact(self, values: Sequence[Any]) -> list[bytes | None]:
        """Return the binary form of the values, up to the first that has none."""
        encoded: list[bytes | None] = []

        # What is wrong, or a text that only the server reads, is told by who runs the row alone.
        with suppress(TextInput, InfrastructureError):
            for value in values:
                encoded.append(self._encode(value))  # noqa: PERF401 - it keeps those before an error

        return encoded


def columns_of(oids: Sequence[int]) -> tuple[Column, ...] | None:
    """Return the columns of these types, or ``None`` where one has no binary form here."""
    columns = []

    for oid in oids:
        encode = encoder_of(oid)

        if encode is None:
            return None

        columns.append(Column(oid, encode))

    return tuple(columns)


def forms_of(
    columns: Sequence[Column], rows: Sequence[Any], *, fast: bool
) -> tuple[list[int], list[Sequence[Any]], int]:
    """Return the values of each column for the C code, the type it writes them as, and how many rows.

    Those up to the first that has no binary form. What was looked at only (``fast``) the C code
    may still refuse.
    """
    oids: list[int] = []
    forms: list[Sequence[Any]] = []

    by_column: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(columns)

    for column, values in zip(columns, by_column, strict=True):
        seen = fast and column.fits(values)
        oids.append(column.oid if seen else RAW)
        forms.append(values if seen else column.exact(values))

    return oids, forms, min(map(len, forms))


def are_rows(rows: Sequence[Any]) -> bool:
    """Return whether all are lists or tuples."""
    kinds = set(map(type, rows))
    return kinds <= {list, tuple} or all(issubclass(kind, (list, tuple)) for kind in kinds)


def before_the_first_bad(rows: list[Any], length: int) -> list[Any]:
    """Return the rows up to the first that is no list or tuple of that length."""
    if are_rows(rows) and set(map(len, rows)) <= {length}:
        return rows

    bad = (
        position
        for position, row in enumerate(rows)
        if not isinstance(row, (list, tuple)) or len(row) != length
    )
    return rows[: next(bad)]
