"""``stream`` on SQLite: a cursor on a thread of its own, or on the transaction's connection."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Optional

from ..._core.deadline import expiry
from ...interfaces.exceptions import ValidationError
from .._levels import Level
from .._statement import StatementKind
from ._engine import Engine, session_of
from ._jobs import Work
from ._outcome import outcome_of
from ._rows import Plan, open_cursor, read_rows
from ._worker import Worker

__all__ = ["stream"]

Run = Callable[[Work], Awaitable[Any]]


async def stream(
    engine: Engine, query: str, params: Optional[Sequence[Any]], batch_size: int
) -> AsyncGenerator[list[dict[str, Any]], None]:
    """Give the rows of a query in lists of at most ``batch_size``."""
    if type(batch_size) is not int or batch_size < 1:
        msg = f"batch_size is a positive int, got {batch_size!r}"
        raise ValidationError(msg, operation="stream")

    plan, values, level = await engine.prepare(query, params, "stream")

    if plan.statement.kind is not StatementKind.READ:
        msg = "stream() reads by SELECT; run a statement that writes by execute()"
        raise ValidationError(msg, operation="stream")

    tried = f"stream {plan.shown}"

    if level is not None:
        session = session_of(level)
        run = _inside(engine, level, tried)

        inside = _batches(run, plan, values, batch_size, session.keep, session.close)

        async with aclosing(inside) as batches:
            async for batch in batches:
                yield batch

        return

    worker = engine.readers.open()

    try:
        async with aclosing(
            _batches(_on(engine, worker, tried), plan, values, batch_size, worker.keep, _nothing)
        ) as batches:
            async for batch in batches:
                yield batch
    finally:
        # The cursor ends with its thread; a step that was given up is interrupted.
        worker.stop()


def _inside(engine: Engine, level: Level, tried: str) -> Run:
    async def run(work: Work) -> Any:
        return await engine.inside(level, work, tried)

    return run


def _on(engine: Engine, worker: Worker, tried: str) -> Run:
    async def run(work: Work) -> Any:
        return await outcome_of(worker.submit(work, expiry(engine.deadline)), tried)

    return run


def _nothing(_cursor: sqlite3.Cursor) -> None:
    pass


async def _batches(
    run: Run,
    plan: Plan,
    values: Sequence[Any],
    batch_size: int,
    keep: Callable[[sqlite3.Cursor], None],
    close: Callable[[sqlite3.Cursor], None],
) -> AsyncGenerator[list[dict[str, Any]], None]:
    def begin(con: sqlite3.Connection) -> sqlite3.Cursor:
        cursor = open_cursor(con, plan, values)
        keep(cursor)
        return cursor

    cursor: sqlite3.Cursor = await run(begin)

    try:
        while rows := await run(lambda _: read_rows(cursor, plan, batch_size)):
            yield rows
    finally:
        close(cursor)
