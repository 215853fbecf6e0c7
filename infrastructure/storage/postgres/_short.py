"""The short way of a statement that is known to be fast: at once, on a connection that many share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Union

from psycopg.pq.abc import PGresult

from ...interfaces._context import transactions
from ...interfaces.exceptions import ValidationError
from .._transaction import Transactions
from ._columns import are_rows
from ._entries import Values
from ._group import GroupLane
from ._lane import Lane
from ._lanes import Lanes
from ._plans import Plan, Plans

__all__ = ["FEW", "Sent", "ShortWay"]

FEW = 50
"""From so many rows on one command for all of them pays, which has a connection to itself."""

_CELLS = 1000
"""Values of some rows, at most."""

_LARGE = 64 * 1024
"""Bytes of parameters from which on a statement would hold up others on a shared connection."""

Sent = tuple[Plan, Union[Lane, GroupLane], "asyncio.Future[PGresult]"]
"""What is on its way, where, and its answer."""


class ShortWay:
    """Sends without a turn of the event loop before; ``None``: nothing was sent, it goes the long way."""

    def __init__(
        self,
        owner: Transactions,
        plans: Plans,
        lanes: Lanes[Lane],
        groups: Lanes[GroupLane] | None,
    ) -> None:
        self._owner = owner
        self._plans = plans
        self._lanes = lanes
        self._groups = groups

    def _plan(self, query: str) -> Plan | None:
        # Inside a transaction a statement needs a closer look.
        if type(query) is not str or transactions.get().get(self._owner) is not None:
            return None

        plan = self._plans.fast.get(query)
        return plan if plan is not None and plan.is_fast else None

    def send(self, query: str, params: Sequence[Any] | None, expires: float) -> Sent | None:
        """Send one statement."""
        plan = self._plan(query)

        if plan is None:
            return None

        if type(params) is not list or len(params) != plan.count:
            params = plan.check(params)

        if plan.declared and not self._plans.is_for(plan, params):
            return None

        try:
            values, formats = plan.parameters.encode(params)
        except ValidationError:
            # With other declared types it may be right: the long way finds out.
            return None

        lane: Lane | GroupLane | None = None

        if plan.groups and self._groups is not None:
            lane = self._groups.pick()

        if lane is None:
            lane = self._lanes.pick()

        if lane is None or sum(map(len, filter(None, values))) > _LARGE:
            return None

        return plan, lane, lane.send(plan, values, formats, expires)

    def send_rows(self, query: str, rows: object, expires: float) -> Sent | None:
        """Send one statement for each of a few rows, all or nothing."""
        if type(rows) is not list or not 0 < len(rows) < FEW:
            return None

        plan = self._plan(query)

        if plan is None or not plan.is_fast_for(len(rows)) or len(rows) * plan.count > _CELLS:
            return None

        values = self._encoded(plan, rows)
        lane = self._lanes.pick() if values else None
        return (plan, lane, lane.send_rows(plan, values, expires)) if lane is not None else None

    def _encoded(self, plan: Plan, rows: list[Any]) -> list[Values]:
        """Return the values of all rows; of none where the long way is to find out what is wrong."""
        if not are_rows(rows) or set(map(len, rows)) != {plan.count} or plan.declared:
            return []

        try:
            encoded: list[Values] = list(map(plan.parameters.encode, rows))
        except ValidationError:
            return []

        size = sum(len(value) for values, _ in encoded for value in values if value)
        return encoded if size <= _LARGE else []
