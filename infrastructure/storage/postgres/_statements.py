"""Runs one statement on a connection that is the caller's for now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from psycopg.pq.abc import PGresult

from ...interfaces.exceptions import InfrastructureError, OperationError, ValidationError
from .._result_names import refuse_twins
from .._statement import Statement, StatementKind
from ._connection import Connection
from ._plans import Plan, Plans, names_of, types_of
from ._results import read_rows
from ._scope import changes_names, changes_schema
from .values import Rows

__all__ = ["CANCELLED", "STALE", "may_be_stale", "plan_of", "rows_of", "run", "run_alone"]

STALE = frozenset({"0A000", "26000"})
"""A prepared statement gives other columns by now, or the server has forgotten it."""

CANCELLED = "57014"
_NO_TYPE = "42P18"
_OF_TYPES = ("42", "22P", "22007", "22008")
"""Types that do not fit, and texts that their types do not take."""
# A message has 1 GiB less one byte at most; beside the values are their lengths and formats.
_MOST = 2**30 - 2**20
_ROWS = (StatementKind.READ, StatementKind.WRITE)


async def run_alone(
    plans: Plans,
    connection: Connection,
    query: str,
    statement: Statement,
    params: Sequence[Any],
    expires: float,
) -> list[dict[str, Any]]:
    """Run a statement outside a transaction; once more where what is known of it is out of date."""
    known = plans.get(statement, params) if statement.kind in _ROWS else None

    try:
        return await run(plans, connection, statement, params, expires, query)
    except InfrastructureError as exc:
        if known is None or not connection.is_clean or not may_be_stale(exc):
            raise

        await _renew(plans, connection, known, params, expires, exc)

    return await run(plans, connection, statement, params, expires, query)


def may_be_stale(error: InfrastructureError) -> bool:
    """Return whether the server did not run a statement, perhaps because it was prepared for other types."""
    state = error.sqlstate or ""
    return state in STALE or (isinstance(error, OperationError) and state.startswith(_OF_TYPES))


async def _renew(
    plans: Plans,
    connection: Connection,
    plan: Plan,
    params: Sequence[Any],
    expires: float,
    error: InfrastructureError,
) -> Plan:
    """Return a new plan in the place of ``plan``; where nothing is new, ``error`` is the answer."""
    _forget(plans, connection, plan)
    newest = await plan_of(plans, connection, plan.statement, params, expires)

    if error.sqlstate not in STALE and newest.is_like(plan):
        raise error

    return newest


def _forget(plans: Plans, connection: Connection, plan: Plan) -> None:
    plans.forget(plan)
    connection.names.forget(plan)


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

    plans = connection.plans or plans
    known = plans.get(statement, params)
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
    result = await _timed(plans, connection, plan, values, formats, expires)

    if changes_names(statement):
        connection.change_scope()
    elif query is not None:
        plans.learn(query, plan)

    return await rows_of(plans, plan, result)


async def _timed(
    plans: Plans,
    connection: Connection,
    plan: Plan,
    values: Sequence[bytes | None],
    formats: Sequence[int],
    expires: float,
) -> PGresult:
    """Run a statement and note how long it took; one that may be out of date is forgotten."""
    begun = time.monotonic()

    try:
        result = await connection.run(plan, values, formats, expires)
    except InfrastructureError as exc:
        if may_be_stale(exc):
            _forget(plans, connection, plan)

        raise

    plan.took(time.monotonic() - begun, result.ntuples)
    return result


async def rows_of(plans: Plans, plan: Plan, result: PGresult) -> list[dict[str, Any]]:
    """Return the rows of a result; a plan of which it has other columns is forgotten."""
    if plan.changed:
        plans.forget(plan)

    rows = plan.reader(result)
    return [] if rows is None else await read_rows(rows, result)


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
    results = await connection.change(
        lambda: pgconn.send_query_params(sql, []), expires, tried, query=statement.text
    )

    if changes_schema(statement):
        connection.changed_schema |= connection.in_transaction
        plans.clear()

    if changes_names(statement):
        connection.change_scope()

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
    plans = connection.plans or plans
    plan = plans.get(statement, params)

    if plan is None:
        try:
            plan = await _described(plans, connection, statement, params, expires)
        except InfrastructureError as exc:
            if exc.sqlstate != _NO_TYPE or not params:
                raise

            plans.leave_to_python(statement)
            plan = await _described(plans, connection, statement, params, expires)

        plans.keep(plan)

    return plan


async def _described(
    plans: Plans,
    connection: Connection,
    statement: Statement,
    params: Sequence[Any],
    expires: float,
) -> Plan:
    types = plans.declared(statement, params)
    tried = f"execute {Plan.show(statement)}"
    # What is found wrong before execution must not end the transaction.
    kept = connection.in_transaction and statement.parameters > 0
    described = await connection.describe(statement.text.encode(), types, expires, tried, kept=kept)
    return Plan(statement, described, types)
