"""Runs one statement on a connection that is the caller's for now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from psycopg.pq.abc import PGresult

from ...interfaces.exceptions import InfrastructureError, OperationError, ValidationError
from .._result_names import refuse_twins
from .._statement import Statement, StatementKind
from .._targets import targets
from ._connection import Connection
from ._plans import Plan, Plans, names_of, types_of
from ._results import read_rows
from .values import Rows, declared, python_types

__all__ = ["CANCELLED", "STALE", "plan_of", "run", "run_alone"]

STALE = frozenset({"0A000", "26000"})
"""A prepared statement gives other columns by now, or the server has forgotten it."""

CANCELLED = "57014"
_NO_TYPE = "42P18"
# A message has 1 GiB less one byte at most; beside the values are their lengths and formats.
_MOST = 2**30 - 2**20
_ROWS = (StatementKind.READ, StatementKind.WRITE)
_CHANGES = (StatementKind.DDL, StatementKind.OUTSIDE, StatementKind.OTHER)
_BEFORE = "SAVEPOINT infrastructure_describe"
_AFTER = "RELEASE SAVEPOINT infrastructure_describe"
_BACK = "ROLLBACK TO SAVEPOINT infrastructure_describe; " + _AFTER


async def run_alone(
    plans: Plans,
    connection: Connection,
    query: str,
    statement: Statement,
    params: Sequence[Any],
    expires: float,
) -> list[dict[str, Any]]:
    """Run a statement outside a transaction; once more where what is known of it is out of date."""
    known = plans.get(statement, _declared(statement, params))

    try:
        return await run(plans, connection, statement, params, expires, query)
    except InfrastructureError as exc:
        if known is None or not connection.is_clean or not _may_be_stale(exc):
            raise

        await _renew(plans, connection, known, params, expires, exc)

    return await run(plans, connection, statement, params, expires, query)


def _may_be_stale(error: InfrastructureError) -> bool:
    """Return whether the server did not run a statement, perhaps because it was prepared for other types."""
    state = error.sqlstate or ""
    return state in STALE or (isinstance(error, OperationError) and state.startswith("42"))


async def _renew(
    plans: Plans,
    connection: Connection,
    plan: Plan,
    params: Sequence[Any],
    expires: float,
    error: InfrastructureError,
) -> Plan:
    """Return a new plan in the place of ``plan``; where nothing is new, ``error`` is the answer."""
    plans.forget(plan)
    connection.names.forget(plan)
    newest = await plan_of(plans, connection, plan.statement, params, expires)

    if error.sqlstate not in STALE and newest.is_like(plan):
        raise error

    return newest


async def run(
    plans: Plans,
    connection: Connection,
    statement: Statement,
    params: Sequence[Any],
    expires: float,
    query: str | None = None,
) -> list[dict[str, Any]]:
    """Run a statement and return its rows; ``query``: it may take the short way next time."""
    connection.touched |= statement.touches_session

    if statement.kind not in _ROWS and not params:
        return await _run_command(plans, connection, statement, expires)

    known = plans.get(statement, _declared(statement, params))
    plan = known or await plan_of(plans, connection, statement, params, expires)

    try:
        values, formats = plan.parameters.encode(params)
    except ValidationError as exc:
        if known is None:
            raise

        # The columns may be of other types by now.
        plan = await _renew(plans, connection, plan, params, expires, exc)
        values, formats = plan.parameters.encode(params)

    _check_size(values)
    begun = time.monotonic()
    result = await connection.run(plan, values, formats, expires)
    plan.took(time.monotonic() - begun, result.ntuples)

    if query is not None:
        plans.learn(query, plan)

    return [] if plan.rows is None else await read_rows(plan.rows, result)


def _check_size(values: Sequence[bytes | None]) -> None:
    """Raise where the server would end the connection instead of an answer, which looks like an outage."""
    size = sum(len(value) for value in values if value)

    if size > _MOST:
        msg = f"the parameters have {size} bytes, PostgreSQL takes {_MOST} in one statement"
        raise ValidationError(msg, outcome="not_applied")


async def _run_command(
    plans: Plans, connection: Connection, statement: Statement, expires: float
) -> list[dict[str, Any]]:
    """Run what need not be described before: it has no parameters, and seldom a result."""
    sql, tried = statement.text.encode(), f"execute {Plan.show(statement)}"
    pgconn = connection.pgconn
    results = await connection.change(lambda: pgconn.send_query_params(sql, []), expires, tried)

    if statement.kind in _CHANGES:
        plans.clear()

    result = results[-1]
    names = names_of(result)
    refuse_twins(names, names)
    return await read_rows(Rows(names, types_of(result), text=True), result) if names else []


async def plan_of(
    plans: Plans,
    connection: Connection,
    statement: Statement,
    params: Sequence[Any],
    expires: float,
) -> Plan:
    """Return the plan of a statement for parameters of these types, described here if need be."""
    types = _declared(statement, params)
    plan = plans.get(statement, types)

    if plan is None:
        try:
            described = await _describe(connection, statement, types, expires)
        except InfrastructureError as exc:
            if exc.sqlstate != _NO_TYPE or not params:
                raise

            described = await _describe(connection, statement, python_types(params), expires)

        plan = Plan(statement, described)
        plans.keep(plan, types)

    return plan


async def _describe(
    connection: Connection, statement: Statement, types: Sequence[int], expires: float
) -> PGresult:
    sql, tried = statement.text.encode(), f"execute {Plan.show(statement)}"
    inside = connection.in_transaction and statement.parameters

    if not inside:
        return await connection.describe(sql, types, expires, tried)

    # What is found wrong before execution must not end the transaction.
    await connection.simple(_BEFORE, expires, tried, harmless=True)

    try:
        described = await connection.describe(sql, types, expires, tried)
    except InfrastructureError:
        if not connection.unanswered:
            await connection.simple(_BACK, expires, tried, harmless=True)

        raise

    await connection.simple(_AFTER, expires, tried, harmless=True)
    return described


def _declared(statement: Statement, params: Sequence[Any]) -> tuple[int, ...]:
    """Return the types to declare: not for what goes into a column, whose type decides."""
    types = declared(params)

    if not types or statement.kind is not StatementKind.WRITE:
        return types

    written = targets(statement.text, dialect="postgresql").parameters
    kept = tuple(0 if n in written else oid for n, oid in enumerate(types, 1))
    return kept if any(kept) else ()
