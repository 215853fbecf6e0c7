"""``execute_many`` on PostgreSQL: all or nothing, by the fastest way that means the same."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

from ..._core.deadline import expiry
from ...interfaces.exceptions import InfrastructureError, ValidationError
from .._blocks import CallBlock
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, StatementKind, parse_statement
from ._columns import columns_of
from ._connection import Connection
from ._copy import CopyFormat
from ._eligible import Target, Targets
from ._engine import Engine
from ._feed import HOLD, Feed
from ._insert import Insert, insert_of
from ._plans import Plan
from ._row_way import RowWay, Way
from ._short import FEW
from ._statements import STALE, plan_of, run
from ._unnest import ArrayFormat
from ._ways import ArrayWay, CopyWay

__all__ = ["Bulk", "BulkMode", "bulk_mode"]

BulkMode = Literal["auto", "copy", "values"]
"""``"copy"``: COPY, or an error that says why not; ``"values"``: never COPY."""

_FIRST: Final = 2000
"""Fewer rows than that need no transaction where one command takes them all."""


def bulk_mode(value: str) -> BulkMode:
    """Return ``value`` where it is one, or raise ``ValidationError``."""
    modes: dict[str, BulkMode] = {"auto": "auto", "copy": "copy", "values": "values"}

    if value in modes:
        return modes[value]

    msg = f'bulk= is "auto", "copy" or "values", got {value!r}'
    raise ValidationError(msg, operation="execute_many")


class Bulk:
    """The ``execute_many`` of one storage."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._targets = Targets()

    async def execute_many(
        self, query: str, params_list: Iterable[Sequence[Any]], mode: BulkMode
    ) -> None:
        """Run ``query`` for every row, in a transaction of its own or as a part of the open one."""
        if mode != "copy" and await self._engine.execute_few(query, params_list):
            return

        feed = Feed(params_list)

        try:
            await self._run(query, feed, mode)
        except InfrastructureError as exc:
            # What the caller's own iterable raised is none of ours.
            if exc is not feed.error:
                exc.operation = "execute_many"

            raise

    async def _run(self, query: str, feed: Feed, mode: BulkMode) -> None:
        statement = parse_statement(query)
        outer = self._engine.transactions.current("execute_many")
        refuse(statement, in_transaction=outer is not None)
        _refuse_bulk(statement)
        first = feed.take(_FIRST, time.perf_counter() + HOLD)

        if not first:
            return

        check_parameters(statement, first[0], 0)
        await self._engine.ready(statement)
        call = _Call(self._engine, self._targets, statement, mode, first, feed)

        if outer is None and feed.ended and await call.alone(query):
            return

        await call.in_block(outer)


class _Call:
    """One call: its first rows are at hand, and the feed gives the others."""

    def __init__(
        self,
        engine: Engine,
        targets: Targets,
        statement: Statement,
        mode: BulkMode,
        first: list[Any],
        feed: Feed,
    ) -> None:
        self._engine = engine
        self._targets = targets
        self._statement = statement
        self._mode = mode
        self._first = first
        self._feed = feed
        # Seen now: inside a transaction they are put back, and the feed does not know its end.
        self._few = feed.ended and len(first) < FEW and mode != "copy"
        self._insert = insert_of(statement.text)
        self._plan: Plan | None = None
        self._plainly = False

    async def alone(self, query: str) -> bool:
        """Run all rows, which are at hand, as one command that commits by itself.

        ``False``: nothing was done, and it takes a transaction. A few rows of ``query`` may take
        the short way next time.
        """
        try:
            done = await self._alone()
        except InfrastructureError as exc:
            if not self._begins_again(exc):
                raise

            self._plainly = True
            done = await self._alone()

        if done and self._few and self._plan is not None:
            self._engine.plans.learn(query, self._plan)

        return done

    async def _alone(self) -> bool:
        async def work(connection: Connection) -> bool:
            rows = await self._row_way(connection)
            way = await self._way(connection, rows)

            # One that cannot run them so has done nothing.
            return await way.whole(connection, self._first) or (
                way is not rows
                and self._mode != "copy"
                and await rows.whole(connection, self._first)
            )

        return await self._engine.outside("execute_many", expiry(self._engine.deadline), work)

    async def in_block(self, outer: Level | None) -> None:
        """Run all rows in a transaction, or in a savepoint of the open one."""
        try:
            await self._in_block(outer)
        except InfrastructureError as exc:
            if not self._begins_again(exc):
                raise

            self._plainly = True
            await self._in_block(outer)

    async def _in_block(self, outer: Level | None) -> None:
        engine, feed = self._engine, self._feed
        feed.put_back(self._first[: feed.position])

        # A savepoint inside a transaction: a bad row must undo the rows before it, and no more.
        async with CallBlock(engine.transactions, _no_check):
            level = engine.transactions.current("execute_many")
            assert level is not None

            try:
                await engine.inside(level, "execute_many", expiry(engine.deadline), self._work)
            except BaseException as exc:
                own = exc is feed.error or self._begins_again(exc)

                # As after a failed execute: the transaction around it can only be rolled back.
                if outer is not None and level.failed is not None and not own:
                    outer.failed = outer.failed or exc

                raise

    async def _work(self, connection: Connection) -> None:
        way: Way | None = await self._way(connection, await self._row_way(connection))

        while way is not None:
            way = await way.run(connection, self._feed)

    def _begins_again(self, error: BaseException) -> bool:
        """Return whether to begin anew, row by row and with a new plan.

        What is known of the statement may be out of date, or the server has a reason against
        the fast way that was not seen; all rows must be at hand yet.
        """
        state = getattr(error, "sqlstate", None) or ""
        # XX000: a type of the plan was dropped, and made anew under another OID.
        known = state in STALE or state.startswith(("0A", "42", "XX"))
        # Else they may be applied: a connection may end with such an error behind the commit.
        known = known and getattr(error, "outcome", None) == "not_applied"
        again = known and error is not self._feed.error
        again = again and not self._plainly and self._mode != "copy"
        return again and self._feed.position <= len(self._first)

    async def _row_way(self, connection: Connection) -> RowWay:
        plans, expires = self._engine.plans, expiry(self._engine.deadline)

        if self._plainly and self._plan is not None:
            plans.forget(self._plan)
            connection.names.forget(self._plan)

        plan = await plan_of(plans, connection, self._statement, self._first[0], expires)
        self._plan = plan
        return RowWay(plans, plan, self._engine.deadline)

    async def _way(self, connection: Connection, rows: RowWay) -> Way:
        """Return the fastest way that means the same."""
        if self._plainly or self._few:
            return rows

        if self._insert is None:
            return self._instead(rows, "it is not a plain INSERT ... VALUES ($1, ... $n)")

        return await self._fast_way(connection, rows, self._insert)

    async def _fast_way(self, connection: Connection, rows: RowWay, insert: Insert) -> Way:
        target = await self._target(connection, insert)
        columns = columns_of(target.carried)

        if target.refusal is not None:
            return self._instead(rows, target.refusal)

        if list(target.oids) != rows.plan.oids:
            await rows.renew(connection, self._first[0])

        if list(target.oids) != rows.plan.oids or columns is None:
            return self._instead(rows, "a value goes as text only, or not as the column's type")

        if self._mode != "values" and target.not_by_copy is None:
            return CopyWay(insert, CopyFormat(columns), rows, only=self._mode == "copy")

        if target.not_by_copy is not None:
            self._instead(rows, target.not_by_copy)

        if target.not_by_array is not None:
            return rows

        written = ArrayFormat(columns, target.oids)
        return ArrayWay(insert, target.arrays, written, rows, self._engine.plans)

    async def _target(self, connection: Connection, insert: Insert) -> Target:
        plans, expires = self._engine.plans, expiry(self._engine.deadline)

        async def ask(sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
            return await run(plans, connection, parse_statement(sql), params, expires)

        return await self._targets.of(ask, insert)

    def _instead(self, rows: RowWay, why: str) -> RowWay:
        """Return the way row by row, or raise where only COPY will do."""
        if self._mode == "copy":
            msg = f'{rows.tried}: bulk="copy" takes an INSERT that COPY means the same as: {why}'
            raise ValidationError(msg, operation="execute_many")

        return rows


def _no_check(_operation: str) -> None:
    """Nothing: the caller has checked."""


def _refuse_bulk(statement: Statement) -> None:
    if statement.has_returning:
        msg = "execute_many gives no rows: run a statement with RETURNING by execute()"
        raise ValidationError(msg, operation="execute_many")

    if statement.kind is not StatementKind.WRITE:
        words = " ".join(statement.keywords)
        msg = f"execute_many writes rows by INSERT, UPDATE, DELETE; for {words} use execute()"
        raise ValidationError(msg, operation="execute_many")
