"""Finds once for each SQL text how its parameters go into the columns that they are written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Optional

from .._outputs import outputs
from .._statement import Statement, StatementKind
from .._targets import Target, Targets, targets
from .._types import ColumnType
from ._rows import Plan
from .ddl import column_type
from .functions import FUNCTION_NAMES

__all__ = ["CACHED", "Ask", "Plans"]

CACHED = 1024
"""At most as many texts are remembered."""

TABLE_INFO = "SELECT name, type FROM pragma_table_xinfo(?, ?) WHERE hidden IN (0, 2, 3)"

Look = Callable[[str, Sequence[Any]], list[Any]]
Ask = Callable[[str, Sequence[Any]], Awaitable[list[Any]]]


class Plans:
    """The plans of one storage, by SQL text.

    ``look`` asks the committed schema at once; inside a transaction ``ask`` is given, which
    asks the transaction's own connection, where a table of its own making is to be seen.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self._plans: dict[str, Plan] = {}

    def known(self, statement: Statement) -> Optional[Plan]:
        """Return the plan of ``statement`` if there is one; whoever uses it checks its version."""
        return self._plans.get(statement.text)

    async def of(
        self, statement: Statement, ask: Optional[Ask] = None, *, fresh: bool = False
    ) -> Plan:
        """Return the plan of ``statement``; a ``fresh`` one only ``ask`` knows how to make."""
        plan = None if fresh else self._plans.get(statement.text)

        if plan is not None and (plan.version is None or plan.version == self._version()):
            return plan

        if statement.kind is not StatementKind.WRITE:
            return self._keep(self._make(statement, [None] * statement.parameters, version=None))

        version = self._version()
        found = targets(statement.text, dialect="sqlite")
        types: Optional[dict[Target, str]] = {}

        if found.table is not None and found.parameters:
            types = None if fresh else self._types(found, self._columns(found))

            if types is None and ask is not None:
                fresh = True
                types = self._types(found, await ask(TABLE_INFO, [found.table, found.schema]))

        plan = self._make(statement, _parameters(statement, found, types or {}), version=version)
        # What only the transaction sees, and what was looked at in a moment of lock, is not kept.
        return plan if fresh or types is None or version is None else self._keep(plan)

    def _make(
        self,
        statement: Statement,
        types: Sequence[Optional[ColumnType]],
        *,
        version: Optional[int],
    ) -> Plan:
        return Plan(
            statement,
            types,
            outputs(statement.text, dialect="sqlite"),
            threaded=not FUNCTION_NAMES.isdisjoint(statement.functions),
            version=version,
        )

    def _keep(self, plan: Plan) -> Plan:
        if len(self._plans) >= CACHED and plan.statement.text not in self._plans:
            self._plans.clear()

        self._plans[plan.statement.text] = plan
        return plan

    def _version(self) -> Optional[int]:
        try:
            return int(self._look("PRAGMA schema_version", ())[0][0])
        except sqlite3.Error:
            # Locked by another process for a moment, and what is known may be out of date; or
            # damaged, which the statement itself will tell.
            return None

    def _columns(self, found: Targets) -> list[Any]:
        try:
            return self._look(TABLE_INFO, [found.table, found.schema])
        except sqlite3.Error:
            # As above; or a view on a table that is gone.
            return []

    def _types(self, found: Targets, rows: list[Any]) -> Optional[dict[Target, str]]:
        """Return the declared type of each column written to; ``None`` where one is not there."""
        # SQLite's names have no case, within ASCII.
        by_name = {name.lower(): declared for name, declared in rows}
        in_order = [declared for _, declared in rows]
        types: dict[Target, str] = {}

        for column in {target for where in found.parameters.values() for target in where}:
            if column.column is not None:
                declared = by_name.get(column.column.lower())
            else:
                position = column.position or 0
                declared = in_order[position] if position < len(in_order) else None

            if declared is None:
                return None

            types[column] = declared

        return types


def _parameters(
    statement: Statement, found: Targets, types: dict[Target, str]
) -> list[Optional[ColumnType]]:
    """Return the type of each parameter's column; ``None`` where it is used in two ways, or none."""
    wanted: list[Optional[ColumnType]] = [None] * statement.parameters

    for number, where in found.parameters.items():
        declared = {types[target] for target in where if target in types}

        if len(declared) == 1:
            wanted[number - 1] = column_type(declared.pop())

    return wanted
