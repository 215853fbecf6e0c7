"""Many rows to one connection: a copy, or one statement again and again without waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Callable, Sequence
from functools import partial

import psycopg
from psycopg.pq.abc import PGresult

from ..._core.deadline import Limit
from ...interfaces.exceptions import InfrastructureError
from ._connection import Connection
from ._entries import Values
from ._plans import Plan
from ._requests import BROKEN
from .errors import MORE_TIME, UNANSWERED, lost

__all__ = ["batch", "copy_in"]

_HOLD = 0.004
"""Seconds for which the loop is held while rows are handed to libpq."""


async def copy_in(
    connection: Connection,
    text: str,
    chunks: AsyncIterable[bytes | bytearray],
    expiry: Callable[[], float],
    tried: str,
) -> None:
    """Run ``COPY ... FROM STDIN`` with the bytes of ``chunks``, each by an ``expiry()`` of its own.

    An error of ``chunks`` ends the copy, of which the server keeps nothing, and is raised.
    """
    send = partial(connection.pgconn.send_query, text.encode())
    await connection.request(send, expiry(), tried)

    try:
        async for chunk in chunks:
            async with Limit(tried, expires=expiry()) as limit:
                limit.more = f" before the server took a part of the rows; {MORE_TIME}"
                # While the chunk before is on its way this one was made.
                await connection.room()
                connection.put(chunk, tried)
    except asyncio.CancelledError:
        # Whoever has the connection ends what runs on it.
        raise
    except Exception:
        await _give_up(connection, expiry(), tried)
        raise

    connection.end_copy()

    async with Limit(tried, expires=expiry(), outcome="unknown") as limit:
        limit.more = UNANSWERED
        await connection.answer(tried)


async def _give_up(connection: Connection, expires: float, tried: str) -> None:
    connection.end_copy("the rows could not be read")

    try:
        async with Limit(tried, expires=expires):
            await connection.answer(tried)
    except InfrastructureError:
        # That it was given up, as was asked; or the connection is gone, and the copy with it.
        pass


async def batch(
    connection: Connection,
    plan: Plan,
    rows: Sequence[Values],
    expires: float,
    tried: str,
) -> None:
    """Run a statement for every row, all or nothing, in one round trip.

    The error of a row has its ``row_index``.
    """
    try:
        results, before = await _results(connection, plan, rows, expires, tried)
        broken = next((n for n, each in enumerate(results) if each.status in BROKEN), None)

        if broken is not None:
            error = connection.refused(results[broken], tried)
            # What is refused after the last row is so at the end: a deferred constraint.
            index = broken - before
            error.row_index = index if 0 <= index < len(rows) else None
            raise error
    except BaseException:
        # It may have been prepared or not.
        connection.names.forget(plan)
        raise


async def _results(
    connection: Connection, plan: Plan, rows: Sequence[Values], expires: float, tried: str
) -> tuple[list[PGresult], int]:
    """Return the results, and how many come before those of the rows."""
    async with Limit(tried, expires=expires) as limit:
        connection.begin(_nothing, tried, query=plan.statement.text, pipeline=True)
        limit.more, limit.outcome = UNANSWERED, "unknown"

        try:
            name, before = _prepare(connection, plan)
            await _send(connection, name, rows)
        except psycopg.Error as exc:
            connection.lose(exc)
            raise lost(tried, connection.reason, "unknown") from exc

        return await connection.results(tried), before


def _nothing() -> None:
    """Nothing is sent yet."""


def _prepare(connection: Connection, plan: Plan) -> tuple[bytes, int]:
    """Return under which name a statement is prepared, and how many results come of that."""
    pgconn, names = connection.pgconn, connection.names
    known = names.get(plan)

    if known is not None:
        return known, 0

    # Without a name it stands until the next one without: all rows are sent before.
    name, before = b"", 1

    # A plan of one transaction is not worth it; of rows the first would have to be looked at.
    if connection.plans is None and plan.rows is None and names.is_due(plan):
        name = names.make(plan)

        while names.stale:
            pgconn.send_close_prepared(names.stale.pop())
            before += 1

    pgconn.send_prepare(name, plan.sql, plan.oids)
    return name, before


async def _send(connection: Connection, name: bytes, rows: Sequence[Values]) -> None:
    pgconn = connection.pgconn
    until = time.monotonic() + _HOLD

    for values, formats in rows:
        pgconn.send_query_prepared(name, values, formats)

        if time.monotonic() > until:
            connection.flush()
            await connection.room()
            await asyncio.sleep(0)
            until = time.monotonic() + _HOLD

    pgconn.pipeline_sync()
    connection.flush()
