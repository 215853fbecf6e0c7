"""``stream`` on PostgreSQL: a cursor in the open transaction, or in one of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Any, Optional

from psycopg.pq.abc import PGresult

from ..._core.deadline import Limit, expiry
from ...interfaces.exceptions import ConnectionError, InfrastructureError, ValidationError
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, StatementKind, parse_statement
from ._connection import Connection
from ._engine import Engine
from ._plans import Plan
from ._session import PostgresSession
from ._statements import plan_of, rows_of, run
from .errors import UNANSWERED

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

    cursor = Cursor(engine, statement, values, batch_size, alone=level is None)
    found = _alone(cursor) if level is None else _inside(cursor, level)

    async with aclosing(found) as batches:
        async for batch in batches:
            yield batch


class Cursor:
    """A query that is read by and by; each step has a deadline of its own.

    ``alone``  it has the connection to itself: the next page is asked for before the rows of one
               are handed out, and the end of the transaction is the end of it.
    """

    def __init__(
        self,
        engine: Engine,
        statement: Statement,
        params: Sequence[Any],
        batch_size: int,
        *,
        alone: bool,
    ) -> None:
        self.engine = engine
        self._statement = statement
        self._params = params
        self._batch_size = batch_size
        self._name = f"infrastructure_{next(_NUMBERS)}"
        self._alone = alone
        self._asked = False

    async def batches(self, on: On) -> AsyncGenerator[Batch, None]:
        """Give the rows, read by steps that ``on`` brings to their connection."""
        if not _QUERIES.intersection(self._statement.keywords[:1]):
            rows: Batch = await on(self._all)

            if rows:
                yield rows

            return

        plan = await on(self._declare)

        async def page(connection: Connection, expires: float) -> PGresult:
            return await self._page(plan, connection, expires)

        while True:
            result = await on(page)
            is_last = result.ntuples < self._batch_size

            if batch := await rows_of(self.engine.plans, plan, result):
                # What it was read from is not kept while the rows are used.
                del result
                yield batch

            if is_last:
                break

        if not self._alone:
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

    async def _page(self, plan: Plan, connection: Connection, expires: float) -> PGresult:
        tried = f"stream {plan.shown}"

        async with Limit(tried, expires=expires) as limit:
            if not self._asked:
                self._ask(plan, connection, tried)

            limit.more, limit.outcome = UNANSWERED, "unknown"
            results = await connection.answer(tried)

        result = results[-1]
        self._asked = False
        plan.look_at(result)

        if self._alone and result.ntuples == self._batch_size:
            # Where it cannot be sent, who asks for it is told.
            with suppress(ConnectionError):
                self._ask(plan, connection, tried)

        return result

    def _ask(self, plan: Plan, connection: Connection, tried: str) -> None:
        text = f"FETCH FORWARD {self._batch_size} FROM {self._name}".encode()
        send = connection.pgconn.send_query_params
        connection.begin(lambda: send(text, [], result_format=plan.format), tried)
        self._asked = True

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
