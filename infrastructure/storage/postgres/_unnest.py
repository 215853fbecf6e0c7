"""Rows as one array a column, which ``unnest`` makes rows of again."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from typing import Any

from psycopg._copy_base import format_row_binary

from ._columns import Column, before_the_first_bad, forms_of, transformer
from ._feed import HOLD, LOOK, Feed, paced
from ._insert import Insert

__all__ = ["ArrayFormat", "unnest_text"]

_SLICE = 500
"""So many values are written at a time, NULLs in the place of those that are missing."""

_HEAD = struct.Struct("!iiiii")
_NULL = 4
_COUNT = 2
"""Bytes of a NULL, and of the number that the C code writes before each row."""


def unnest_text(insert: Insert, arrays: Sequence[str]) -> str:
    """Return the INSERT of many rows at once; each parameter is an array of one of ``arrays``."""
    values = ", ".join(f"${number}::{name}" for number, name in enumerate(arrays, 1))
    columns = ", ".join(insert.columns)
    into, source = f"INSERT INTO {insert.head} ({columns})", f"SELECT * FROM unnest({values})"  # noqa: S608 - pieces of a statement that was read
    return f"{into} {source} {insert.conflict}".rstrip()


class ArrayFormat:
    """How rows of these columns are written as arrays; each value is checked as a parameter is.

    ``oids``  the types of the columns.
    """

    def __init__(self, columns: Sequence[Column], oids: Sequence[int]) -> None:
        self._columns = columns
        self._oids = oids
        self._most = LOOK
        self._bodies = [bytearray() for _ in columns]
        self.rows: list[Any] = []
        """The rows that are in the arrays."""

    def clear(self) -> None:
        """Begin anew."""
        self._bodies = [bytearray() for _ in self._columns]
        self.rows = []

    @property
    def size(self) -> int:
        """How many bytes the arrays have."""
        return sum(map(len, self._bodies))

    def add(self, feed: Feed) -> bool:
        """Write the next rows; return whether all that were taken could be.

        The first that cannot, and those after it, are given back to the feed.
        """
        began = time.perf_counter()
        taken = feed.take(self._most, began + HOLD)
        rows = before_the_first_bad(taken, len(self._columns))
        bodies, count = self._write(rows)

        for body, written in zip(self._bodies, bodies, strict=True):
            body.extend(written)

        self.rows += taken[:count]
        feed.put_back(taken[count:])
        self._most = paced(self._most, time.perf_counter() - began, _SLICE)
        return count == len(taken)

    def _write(self, rows: list[Any]) -> tuple[list[bytearray], int]:
        oids, forms, count = forms_of(self._columns, rows, fast=True)

        try:
            return _bodies(oids, forms, count), count
        except Exception:  # noqa: BLE001 - whatever a value does there, the exact way knows
            oids, forms, count = forms_of(self._columns, rows, fast=False)
            return _bodies(oids, forms, count), count

    def arrays(self) -> list[bytes]:
        """Return the parameters, one a column."""
        count = len(self.rows)
        return [
            _HEAD.pack(1, 1, oid, count, 1) + body
            for oid, body in zip(self._oids, self._bodies, strict=True)
        ]


def _bodies(oids: list[int], forms: list[Sequence[Any]], count: int) -> list[bytearray]:
    return [_body(oid, form[:count]) for oid, form in zip(oids, forms, strict=True)]


def _body(oid: int, values: Sequence[Any]) -> bytearray:
    """Return the items of an array: what the driver writes as one row of as many columns."""
    missing = _SLICE - len(values)
    written = bytearray()
    format_row_binary([*values, *[None] * missing], transformer((oid,) * _SLICE), written)
    return written[_COUNT : len(written) - missing * _NULL]
