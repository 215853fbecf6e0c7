"""``execute_many`` on SQLite: all or nothing, in steps that never hold the event loop for long."""

from __future__ import annotations

import operator
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any

from ...interfaces.exceptions import InfrastructureError, ValidationError
from .._blocks import TransactionBlock
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, StatementKind, parse_statement
from ._engine import Engine
from ._rows import Plan
from .errors import sqlite_error
from .functions import function_error

__all__ = ["execute_many"]

_STEP = 1000
"""At most as many rows are handed to the thread at a time, and ``_CELLS`` values."""

_CELLS = 5000

_HOLD = 0.002
"""Seconds for which the event loop is held to take and encode them."""

_LOOK = 64
"""Rows between two looks at the clock, at most."""

_END: Any = object()


async def execute_many(engine: Engine, query: str, params_list: Iterable[Sequence[Any]]) -> None:
    """Run ``query`` for every row, in a transaction of its own or as a part of the open one."""
    statement = parse_statement(query, dialect="sqlite")
    outer = engine.transactions.current("execute_many")
    refuse(statement, in_transaction=outer is not None)
    _refuse_bulk(statement)
    rows = _iterate(params_list)
    first = next(rows, _END)

    if first is _END:
        return

    # A savepoint inside a transaction: a bad row must undo the rows before it, and no more.
    async with TransactionBlock(engine.transactions, _no_check):
        level = engine.transactions.current("execute_many")
        assert level is not None
        plan = await engine.plan(statement, level)

        try:
            await _run(engine, plan, level, chain([first], rows))
        except BaseException as exc:
            # As after a failed execute: the transaction around it can only be rolled back.
            if outer is not None and level.failed is not None:
                outer.failed = outer.failed or exc

            raise


def _no_check(_operation: str) -> None:
    """Nothing: the caller has checked."""


async def _run(engine: Engine, plan: Plan, level: Level, rows: Iterator[Sequence[Any]]) -> None:
    tried = f"execute_many {plan.shown}"
    position = 0

    while step := _encode(plan, rows, position):
        work = partial(_write, sql=plan.sql, rows=step, first=position, tried=tried)
        await engine.inside(level, work, tried)
        position += len(step)


def _refuse_bulk(statement: Statement) -> None:
    if statement.has_returning:
        msg = "execute_many gives no rows: run a statement with RETURNING by execute()"
        raise ValidationError(msg, operation="execute_many")

    if statement.kind is not StatementKind.WRITE:
        words = " ".join(statement.keywords)
        msg = f"execute_many writes rows by INSERT, UPDATE, DELETE; for {words} use execute()"
        raise ValidationError(msg, operation="execute_many")


def _iterate(params_list: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    try:
        return iter(params_list)
    except TypeError as exc:
        msg = f"execute_many takes an iterable of parameter lists, got {type(params_list).__name__}"
        raise ValidationError(msg, operation="execute_many") from exc


def _encode(plan: Plan, rows: Iterator[Sequence[Any]], first: int) -> list[Any]:
    """Take and encode as many rows as may be done without holding the event loop."""
    taken = _take(rows, min(_STEP, _CELLS // max(1, plan.statement.parameters) + 1))

    if not taken:
        return []

    # At a glance, as nearly all are right; else one by one, so that the error names the row.
    if not (
        {list, tuple}.issuperset(map(type, taken))
        and set(map(len, taken)) == {plan.statement.parameters}
    ):
        for row_index, row in enumerate(taken, first):
            check_parameters(plan.statement, row, row_index)

    try:
        return plan.encode_rows(taken)
    except InfrastructureError:
        _raise_of_first(plan, taken, first)
        raise


def _take(rows: Iterator[Sequence[Any]], most: int) -> list[Sequence[Any]]:
    """Take at most so many rows, within ``_HOLD``: as many again at each look as there are."""
    taken: list[Sequence[Any]] = []
    until = time.perf_counter() + _HOLD

    # One row to begin with: a user's iterable may be slow.
    while len(taken) < most and time.perf_counter() < until:
        wanted = min(max(1, len(taken)), _LOOK, most - len(taken))
        part = list(islice(rows, wanted))
        taken += part

        if len(part) < wanted:
            break

    return taken


def _raise_of_first(plan: Plan, rows: Sequence[Sequence[Any]], first: int) -> None:
    """Raise the error of the first row that has one; by columns a later one may come before."""
    for row_index, row in enumerate(rows, first):
        try:
            plan.encode(row)
        except InfrastructureError as exc:
            exc.row_index = row_index
            raise


def _write(con: sqlite3.Connection, sql: str, rows: list[Any], first: int, tried: str) -> None:
    left = iter(rows)

    try:
        con.executemany(sql, left)
    except sqlite3.Error as exc:
        # The driver does not say which row it was at; the iterator knows how many it gave.
        given = len(rows) - operator.length_hint(left)
        row_index = first + given - 1 if given else None
        where = tried if row_index is None else f"{tried}, row {row_index}"
        error = function_error(con, exc) or sqlite_error(exc, where)
        error.row_index = row_index
        raise error from exc
