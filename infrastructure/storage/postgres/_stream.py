"""``stream`` on PostgreSQL: a cursor in the open transaction, or in one of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Optional

from ..._core.deadline import expiry
from ...interfaces.exceptions import InfrastructureError, ValidationError
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, StatementKind, parse_statement
from ._connection import Connection
from ._engine import Engine
from ._session import PostgresSession
from ._statements import plan_of, rows_of, run

__all__ = ["stream"]

_NUMBERS = itertools.count(1)
_QUERIES = frozenset({"SELECT", "VALUES", "TABLE", "WITH"})
"""What a cursor can be declared for; EXPLAIN and SHOW give few rows."""

Batch = list[dict[str, Any]]
On = Callable[[Callable[[Connection, float], Awaitable[Any]]], Awaitable[Any]]


async def stream(
    engine: Engine, query: str, params: Optional[Sequence[Any]], batch_size: int
) -> AsyncGenerator[Batch, None]:
    """Give the rows of a query in lists of at most ``batch_size``."""
    if type(batch_size) is not int or batch_size < 1:
        msg = f"batch_size is a positive int, got {batch_size!r}"
        raise ValidationError(msg, operation="stream")

    statement = parse_statement(query)
    level = engine.transactions.current("stream")
    refuse(statement, in_transaction=level is not None)
    values = check_parameters(statement, params)

    if statement.kind is not StatementKind.READ:
        msg = "stream() reads by SELECT; run a statement that writes by execute()"
        raise ValidationError(msg, operation="stream")

    await engine.ready(statement)

    cursor = Cursor(engine, statement, values, batch_size)
    found = _alone(cursor) if level is None else _inside(cursor, level)

    async with aclosing(found) as batches:
        async for batch in batches:
            yield batch


class Cursor:
    """A query that is read by and by; each step has a deadline of its own."""

    def __init__(
        self, engine: Engine, statement: Statement, params: Sequence[Any], batch_size: int
    ) -> None:
        self.engine = engine
        self._statement = statement
        self._params = params
        self._batch_size = batch_size
        self._name = f"infrastructure_{next(_NUMBERS)}"

    async def batches(self, on: On) -> AsyncGenerator[Batch, None]:
        """Give the rows, read by steps that ``on`` brings to their connection."""
        if not _QUERIES.intersection(self._statement.keywords[:1]):
            rows: Batch = await on(self._all)

            if rows:
                yield rows

            return

        plan = await on(self._declare)
        text = f"FETCH FORWARD {self._batch_size} FROM {self._name}".encode()
        tried = f"stream {plan.shown}"

        async def fetch(connection: Connection, expires: float) -> Batch:
            pgconn = connection.pgconn
            results = await connection.request(
                lambda: pgconn.send_query_params(text, [], result_format=plan.format),
                expires,
                tried,
            )
            plan.look_at(results[-1])
            return await rows_of(self.engine.plans, plan, results[-1])

        while batch := await on(fetch):
            yield batch

            if len(batch) < self._batch_size:
                break

        await on(self.close)

    async def _all(self, connection: Connection, expires: float) -> Batch:
        plans = self.engine.plans
        return await run(plans, connection, self._statement, self._params, expires)

    async def _declare(self, connection: Connection, expires: float) -> Any:
        plan = await plan_of(self.engine.plans, connection, self._statement, self._params, expires)
        values, formats = plan.parameters.encode(self._params)
        # On a line of its own: the text may end in a comment.
        text = b"DECLARE %s NO SCROLL CURSOR FOR\n%s" % (self._name.encode(), plan.sql)
        pgconn = connection.pgconn
        await connection.request(
            lambda: pgconn.send_query_params(text, values, plan.oids, formats),
            expires,
            f"stream {plan.shown}",
            query=text.decode(),
        )
        return plan

    async def close(self, connection: Connection, expires: float) -> None:
        """Let the server forget the cursor."""
        await connection.simple(f"CLOSE {self._name}", expires, "stream")


async def _inside(cursor: Cursor, level: Level) -> AsyncGenerator[Batch, None]:
    engine = cursor.engine

    async def on(step: Callable[[Connection, float], Awaitable[Any]]) -> Any:
        expires = expiry(engine.deadline)
        return await engine.inside(
            level, "stream", expires, lambda connection: step(connection, expires)
        )

    async with aclosing(cursor.batches(on)) as batches:
        try:
            async for batch in batches:
                yield batch
        except GeneratorExit:
            # Left early: the transaction goes on. Where it does not, the cursor is gone too.
            if not level.ended and level.failed is None:
                with suppress(InfrastructureError):
                    await on(cursor.close)

            raise


async def _alone(cursor: Cursor) -> AsyncGenerator[Batch, None]:
    engine = cursor.engine
    expires = expiry(engine.deadline)
    connection = await engine.pool.lease(expires, engine.transactions.held(), "stream")
    session = PostgresSession(connection, engine.pool, engine.plans)

    async def on(step: Callable[[Connection, float], Awaitable[Any]]) -> Any:
        expires = expiry(engine.deadline)

        try:
            return await step(session.connection, expires)
        except InfrastructureError as exc:
            engine.look_at(exc)
            raise

    try:
        await session.control("BEGIN", expires)

        async with aclosing(cursor.batches(on)) as batches:
            async for batch in batches:
                yield batch

        # The query may have called a function that writes.
        await session.connection.simple("COMMIT", expiry(engine.deadline), "stream")
    finally:
        # In the background what is open yet is rolled back first.
        session.release()
