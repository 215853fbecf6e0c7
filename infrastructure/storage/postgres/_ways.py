"""Many rows to the server in one command: a COPY, or arrays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import Any

from ..._core.deadline import expiry
from ...interfaces.exceptions import (
    ConflictError,
    OperationError,
    TransactionError,
    ValidationError,
)
from .._statement import parse_statement
from ._connection import Connection
from ._copy import CopyFormat, CopyStream
from ._feed import Feed
from ._insert import Insert
from ._plans import Plans
from ._row_index import shifted
from ._row_way import RowWay, Way
from ._sending import copy_in
from ._statements import plan_of
from ._unnest import ArrayFormat, unnest_text

__all__ = ["ArrayWay", "CopyWay"]

_ARRAY_ROWS = 10_000
_ARRAY_BYTES = 1024 * 1024
"""So many rows at most, or about so many bytes, go in one set of arrays."""

_FAILURES = 2
"""So many arrays are refused before the rest of the rows goes one by one."""

_SAVEPOINT = "SAVEPOINT infrastructure_rows"
_RELEASE = "RELEASE SAVEPOINT infrastructure_rows"
_BACK = "ROLLBACK TO SAVEPOINT infrastructure_rows; " + _RELEASE


class CopyWay:
    """All rows by one COPY; from the first on that it cannot carry, one by one."""

    def __init__(self, insert: Insert, written: CopyFormat, rows: RowWay, *, only: bool) -> None:
        columns = ", ".join(insert.columns)
        self._text = f"COPY {insert.table} ({columns}) FROM STDIN (FORMAT BINARY)"
        self._written = written
        self._rows = rows
        self._only = only

    async def whole(self, connection: Connection, rows: list[Any]) -> bool:
        """Run all rows as one command that commits by itself; ``False``: nothing was done."""
        feed = Feed(rows)
        stream = CopyStream(self._written, feed)
        chunks = list(stream.rest())

        if stream.refused or not feed.ended:
            return False

        await self._copy(connection, each(chunks))
        return True

    async def run(self, connection: Connection, feed: Feed) -> Way | None:
        """Run the rows of ``feed`` inside a transaction; the rest goes by the way returned."""
        while not feed.ended:
            stream = CopyStream(self._written, feed)

            with shifted(feed):
                await self._copy(connection, stream)

            if stream.refused:
                break
        else:
            return None

        if self._only:
            await self._refuse(connection, feed)

        return self._rows

    async def _copy(self, connection: Connection, chunks: AsyncIterator[bytearray]) -> None:
        expires = partial(expiry, self._rows.deadline)
        await copy_in(connection, self._text, chunks, expires, self._rows.tried)

    async def _refuse(self, connection: Connection, feed: Feed) -> None:
        """Raise what is wrong with the next row: the server's error, or that it goes as text."""
        row_index = feed.position
        await self._rows.step(connection, feed, 1)
        msg = (
            f"{self._rows.tried}: a value of row {row_index} goes as text only, which binary COPY "
            'does not carry; give one of the column\'s own type, or leave out bulk="copy"'
        )
        raise ValidationError(msg, row_index=row_index)


class ArrayWay:
    """Many rows by one INSERT of arrays; where it fails its rows go one by one, in their order."""

    def __init__(
        self,
        insert: Insert,
        arrays: Sequence[str],
        written: ArrayFormat,
        rows: RowWay,
        plans: Plans,
    ) -> None:
        self._statement = parse_statement(unnest_text(insert, arrays))
        self._written = written
        self._rows = rows
        self._plans = plans
        self._failures = 0

    async def whole(self, connection: Connection, rows: list[Any]) -> bool:
        """Run all rows as one command that commits by itself; ``False``: nothing was done."""
        feed = Feed(rows)

        if not await self._fill(feed) or not feed.ended:
            return False

        try:
            await self._insert(connection)
        except OperationError as exc:
            if not tells_of_a_row(exc):
                raise

            # Which one, or whether two of them are one to ON CONFLICT, the single rows tell.
            return False

        return True

    async def run(self, connection: Connection, feed: Feed) -> Way | None:
        """Run the rows of ``feed`` inside a transaction; the rest goes by the way returned."""
        while not feed.ended:
            carried = await self._fill(feed)

            if self._written.rows and not await self._insert_or_undo(connection):
                await self._one_by_one(connection, feed)

            if not carried or self._failures >= _FAILURES:
                return self._rows

        return None

    async def _fill(self, feed: Feed) -> bool:
        """Write arrays of the next rows; return whether all that were taken could be."""
        written = self._written
        written.clear()

        while True:
            if not written.add(feed):
                return False

            if feed.ended or len(written.rows) >= _ARRAY_ROWS or written.size >= _ARRAY_BYTES:
                return True

            await asyncio.sleep(0)

    async def _insert(self, connection: Connection) -> None:
        values = self._written.arrays()
        expires = expiry(self._rows.deadline)
        nothing = [None] * len(values)
        plan = await plan_of(self._plans, connection, self._statement, nothing, expires)
        await connection.run(plan, values, [1] * len(values), expires)

    async def _insert_or_undo(self, connection: Connection) -> bool:
        await self._simple(connection, _SAVEPOINT)

        try:
            await self._insert(connection)
        except OperationError as exc:
            if not tells_of_a_row(exc):
                raise

            await self._simple(connection, _BACK)
            self._failures += 1
            return False

        await self._simple(connection, _RELEASE)
        return True

    async def _simple(self, connection: Connection, text: str) -> None:
        await connection.simple(text, expiry(self._rows.deadline), self._rows.tried)

    async def _one_by_one(self, connection: Connection, feed: Feed) -> None:
        end, ended = feed.position, feed.ended
        feed.put_back(self._written.rows)

        while feed.position < end:
            await self._rows.step(connection, feed, end - feed.position)

        feed.ended = ended


async def each(chunks: Iterable[bytearray]) -> AsyncIterator[bytearray]:
    """Give what is there already, as what comes by and by."""
    for chunk in chunks:
        yield chunk


def tells_of_a_row(error: OperationError) -> bool:
    """Return whether the rows one by one may tell more than the server did of all of them."""
    # Else they may be applied: a connection may end with an error behind the commit.
    return error.outcome == "not_applied" and not isinstance(
        error, (ConflictError, TransactionError)
    )
