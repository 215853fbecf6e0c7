"""Many rows by one statement again and again, without waiting between two."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Protocol

from ..._core.deadline import expiry
from ...interfaces.exceptions import ValidationError
from .._parameters import check_parameters
from ._columns import are_rows
from ._connection import Connection
from ._entries import Values
from ._feed import HOLD, LOOK, Feed
from ._plans import Plan, Plans
from ._row_index import at_row, shifted
from ._sending import batch
from ._statements import plan_of

__all__ = ["RowWay", "Way"]

_STEP = 1000
"""At most as many rows go in one batch, and ``_CELLS`` values."""

_CELLS = 5000


class Way(Protocol):
    """How the rows of a feed go to the server."""

    async def whole(self, connection: Connection, rows: list[Any]) -> bool:
        """Run all rows as one command that commits by itself; ``False``: nothing was done."""
        ...

    async def run(self, connection: Connection, feed: Feed) -> Way | None:
        """Run the rows of ``feed`` inside a transaction; the rest goes by the way returned."""
        ...


class RowWay:
    """The statement is run for each row, without waiting between two.

    ``plan``  of the last row that was looked at.
    """

    def __init__(self, plans: Plans, plan: Plan, deadline: float | None) -> None:
        self._plans = plans
        self._renewed = False
        self.plan = plan
        self.deadline = deadline
        self._most = min(_STEP, _CELLS // max(1, plan.count) + 1)

    @property
    def tried(self) -> str:
        """What an error says was tried."""
        return f"execute_many {self.plan.shown}"

    async def whole(self, connection: Connection, rows: list[Any]) -> bool:
        """Run all rows as one command that commits by itself; ``False``: nothing was done."""
        if len(rows) > self._most or not (connection.pipelined or len(rows) == 1):
            return False

        plan, values = await self._encoded(connection, rows, 0)

        if len(values) < len(rows):
            return False

        begun = time.monotonic()
        await batch(connection, plan, values, expiry(self.deadline), self.tried)
        plan.took((time.monotonic() - begun) / len(rows), 0)
        return True

    async def run(self, connection: Connection, feed: Feed) -> Way | None:
        """Run the rows of ``feed`` inside a transaction."""
        while not feed.ended:
            await self.step(connection, feed, self._most)

        return None

    async def step(self, connection: Connection, feed: Feed, most: int) -> None:
        """Run some rows, at most ``most``."""
        first = feed.position
        rows = feed.take(min(most, self._most), time.perf_counter() + HOLD)

        if not rows:
            return

        plan, values = await self._encoded(connection, rows, first)
        feed.put_back(rows[len(values) :])

        with shifted(feed, len(values)):
            await self._send(connection, plan, values)

    async def _send(self, connection: Connection, plan: Plan, values: list[Values]) -> None:
        if connection.pipelined:
            await batch(connection, plan, values, expiry(self.deadline), self.tried)
            return

        for row_index, (encoded, formats) in enumerate(values):
            with at_row(row_index):
                await connection.run(plan, encoded, formats, expiry(self.deadline))

    async def _encoded(
        self, connection: Connection, rows: list[Any], first: int
    ) -> tuple[Plan, list[Values]]:
        """Encode rows of one plan, as many as may be without holding the event loop."""
        plan = self.plan
        values: list[Values] = []
        until = time.perf_counter() + HOLD

        while len(values) < len(rows):
            part = rows[len(values) : len(values) + LOOK]
            encoded = self._encode(part, first + len(values))
            values += encoded

            if len(encoded) < len(part):
                await self._replan(connection, rows[len(values)], first + len(values))

                # What was encoded goes by the plan that it was encoded for.
                if values:
                    break

                plan = self.plan
            elif time.perf_counter() >= until:
                break

        return plan, values

    def _encode(self, rows: list[Any], first: int) -> list[Values]:
        """Encode rows, up to the first that the plan does not take."""
        # At a glance, as nearly all are right; else one by one, so that the error names the row.
        if not (are_rows(rows) and set(map(len, rows)) == {self.plan.count}):
            for row_index, row in enumerate(rows, first):
                check_parameters(self.plan.statement, row, row_index)

        values: list[Values] = []

        with suppress(ValidationError):
            for row in rows:
                values.append(self.plan.parameters.encode(row))  # noqa: PERF401 - it keeps those before an error

        return values

    async def _replan(self, connection: Connection, row: Any, row_index: int) -> None:
        """Take the plan that belongs to the types of a row's values; raise where none takes it."""
        plan = await self._plan_for(connection, row)

        with at_row(row_index):
            try:
                plan.parameters.encode(row)
            except ValidationError:
                if self._renewed:
                    raise

                # The columns may be of other types by now.
                self._plans.forget(plan)
                connection.names.forget(plan)
                self._renewed = True
                plan = await self._plan_for(connection, row)
                plan.parameters.encode(row)

        self.plan = plan

    async def renew(self, connection: Connection, row: Any) -> None:
        """Take a new plan for a row: the one that is known is out of date."""
        self._plans.forget(self.plan)
        connection.names.forget(self.plan)
        self._renewed = True
        self.plan = await self._plan_for(connection, row)

    async def _plan_for(self, connection: Connection, row: Any) -> Plan:
        statement = self.plan.statement
        return await plan_of(self._plans, connection, statement, row, expiry(self.deadline))
