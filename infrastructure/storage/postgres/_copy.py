"""Rows as binary COPY carries them, in chunks that do not hold the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

from psycopg._copy_base import format_row_binary

from ._columns import Column, are_rows, before_the_first_bad, forms_of, transformer
from ._feed import HOLD, LOOK, Feed, paced

__all__ = ["CopyFormat", "CopyStream"]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"

_ROWS = 2000
"""At most as many rows make a chunk, ``_CELLS`` values, and about ``_BYTES``."""

_CELLS = 8000
_BYTES = 128 * 1024
_COMMAND = 64 * 1024 * 1024
"""About so many bytes make a COPY: the server is heard of only at its end."""


class CopyFormat:
    """How rows of these columns are written; each value is checked as a parameter is."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._fast = all(column.fast for column in columns)
        self._transformer = transformer(tuple(column.oid for column in columns))
        self._limit = min(_ROWS, _CELLS // len(columns) + 1)
        self._most = self._limit if self._fast else min(self._limit, LOOK)

    def chunk(self, feed: Feed) -> tuple[bytearray, bool]:
        """Take the next rows and write them; and whether all could be.

        The first that cannot, and those after it, are given back to the feed.
        """
        began = time.perf_counter()
        taken, written = self._take(feed, began + HOLD)

        if written is None or not self._fits(taken):
            written, count = self._exactly(taken)
            feed.put_back(taken[count:])
            self._most = paced(self._most, time.perf_counter() - began, self._limit)
            return written, count == len(taken)

        return written, True

    def _take(self, feed: Feed, until: float) -> tuple[list[Any], bytearray | None]:
        """Take rows and write them at once, unlooked at: all rows but the rarest are right."""
        taken: list[Any] = []
        written: bytearray | None = bytearray() if self._fast else None

        while len(taken) < self._most and not feed.ended:
            part = feed.next(min(max(1, len(taken)), LOOK, self._most - len(taken)))
            taken += part

            if written is not None:
                written = _write(part, self._transformer, written)

            if time.perf_counter() >= until or (written and len(written) >= _BYTES):
                break

        return taken, written

    def _fits(self, rows: list[Any]) -> bool:
        if not are_rows(rows):
            return False

        values: list[Any] = []

        # One pass over the rows: each costs more than all that is asked of a column.
        for row in rows:
            values += row

        width = len(self._columns)
        return all(
            column.fits(values[position::width]) for position, column in enumerate(self._columns)
        )

    def _exactly(self, rows: list[Any]) -> tuple[bytearray, int]:
        """Write rows of which some are no rows, or some values not for the C code.

        Return how many: those up to the first that cannot be written.
        """
        rows = before_the_first_bad(rows, len(self._columns))

        for fast in (True, False):
            oids, forms, count = forms_of(self._columns, rows, fast=fast)
            ready = list(zip(*forms, strict=False))[:count]
            written = _write(ready, transformer(tuple(oids)), bytearray())

            if written is not None:
                return written, count

        raise AssertionError


class CopyStream:
    """The chunks of one COPY: ``async for chunk in stream``.

    It ends with the rows, before a row that COPY cannot carry (``refused``), or when it is
    long enough: the rest goes by another one.
    """

    def __init__(self, rows: CopyFormat, feed: Feed, most: int = _COMMAND) -> None:
        self._rows = rows
        self._feed = feed
        self._left = most
        self._begun = self._ended = False
        self.refused: bool = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytearray:
        if self._ended:
            raise StopAsyncIteration

        if self._begun:
            # Between two chunks it is everybody's turn.
            await asyncio.sleep(0)

        return self._next()

    def rest(self) -> Iterator[bytearray]:
        """Give all chunks at once."""
        while not self._ended:
            yield self._next()

    def _next(self) -> bytearray:
        written, whole = self._rows.chunk(self._feed)
        self.refused = not whole
        self._left -= len(written)
        self._ended = self.refused or self._feed.ended or self._left <= 0

        if not self._begun:
            written[:0] = _HEADER
            self._begun = True

        if self._ended:
            written += _TRAILER

        return written


def _write(rows: list[Any], types: Any, written: bytearray) -> bytearray | None:
    """Add rows to ``written``; ``None`` where the C code does not take one."""
    try:
        for row in rows:
            format_row_binary(row, types, written)
    except Exception:  # noqa: BLE001 - whatever a value does there, the exact way says what is wrong
        return None

    return written
