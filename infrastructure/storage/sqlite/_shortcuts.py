"""Statements that came before, outside a transaction: by their text alone to where they belong."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, Optional, Union

from ..._core.deadline import expiry
from ...interfaces._context import transactions
from ...interfaces.exceptions import InfrastructureError
from .._parameters import check_parameters
from .._statement import StatementKind
from .._transaction import Transactions
from ._loop_reader import LoopReader
from ._outcome import outcome_of
from ._plans import CACHED
from ._rows import Plan, fetch
from ._writer import Writer
from .values import encode_all

__all__ = ["Shortcuts"]

_TURN = 0.002
"""Seconds of reading after which the loop turns: a task that reads in a loop waits for nothing else."""


class Shortcuts:
    """The plans that need no more thought than their parameters.

    Reads that were short on the event loop, and writes whose columns are known.
    """

    def __init__(
        self,
        reader: LoopReader,
        writer: Writer,
        scope: Transactions,
        deadline: Optional[float],
        *,
        inline: bool,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._scope = scope
        self._deadline = deadline
        self._inline = inline
        self._plans: dict[str, Plan] = {}

    def learn(self, query: str, plan: Plan) -> None:
        """Note a statement that has run once."""
        statement = plan.statement

        if not statement.plain or (statement.kind is StatementKind.READ and not self._inline):
            return

        if len(self._plans) >= CACHED and query not in self._plans:
            self._plans.clear()

        self._plans[query] = plan

    def take(
        self, query: str, params: Optional[Sequence[Any]]
    ) -> Union[list[Any], Coroutine[Any, Any, list[Any]], None]:
        """Return the rows of a read, those of a write to be awaited; ``None``: not this way."""
        # Inside a transaction a statement needs a closer look.
        if type(query) is not str or transactions.get().get(self._scope) is not None:
            return None

        plan = self._plans.get(query)

        if plan is None:
            return None

        if type(params) is not list or len(params) != plan.parameters:
            params = check_parameters(plan.statement, params)

        if plan.reads:
            if plan.rest:
                return None

            rows = self._reader.read(plan, encode_all(params))
            return rows if rows is None or self._reader.held < _TURN else self._after_others(rows)

        if not self._writer.is_free:
            return None

        try:
            values = plan.encode(params)
        except InfrastructureError:
            # Unless the table has other columns by now: the long way finds out.
            return None

        work = partial(fetch, plan=plan, params=values)
        job = self._writer.worker.submit(
            work, expiry(self._deadline), grouped=True, version=plan.version
        )
        return outcome_of(job, plan.tried)

    async def _after_others(self, rows: list[Any]) -> list[Any]:
        self._reader.held = 0.0
        await asyncio.sleep(0)
        return rows
