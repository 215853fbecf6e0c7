"""Puts a storage through a plan, and compares what is there afterwards with what was promised."""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from ._calls import Calls, Scope
from ._deeds import Cut, Deed, strange
from ._journal import Findings, Group, Journal, Unit
from ._plan import Step

__all__ = ["Run", "compare", "compare_numbers"]

_HUNG = 30.0
"""Seconds after which a deed will never end: each of its calls has its deadline."""

_BACK_OFF = 0.1
"""Seconds that a task waits when the storage could not be reached."""


class Run:
    """The tasks of a plan on one storage."""

    def __init__(self, calls: Calls, cut: Cut, count: int) -> None:
        self._calls = calls
        self._cut = cut
        self._count = count

    async def all(self, plan: Iterable[Iterable[Step]]) -> None:
        """Let all tasks go on until so many events have taken place."""
        await asyncio.gather(*map(self._worker, plan))

    async def _worker(self, deeds: Iterable[Step]) -> None:
        for step in deeds:
            if self._calls.journal.events.total() >= self._count:
                break

            failed = await self._deed(step)
            # While nothing works the plan would be over before it works again.
            await asyncio.sleep(_BACK_OFF if failed else 0)

    async def _deed(self, step: Step) -> bool:
        """Carry one out; return whether the storage was out of reach."""
        deed, findings = Deed(self._calls, self._cut), self._calls.findings
        # What is left open ends with its task.
        task = asyncio.ensure_future(deed.run(step, Scope()))
        await self._ended({task})

        if task.done() and not task.cancelled():
            error = task.exception()

            if error is not None and strange(error):
                findings.add("foreign error", f"{step.kind}: {_trace(error)}")

        while unfinished := {child for child in deed.children if not child.done()}:
            await self._ended(unfinished)

        for error in deed.strangers():
            findings.add("foreign error", f"in {step.kind}: {_trace(error)}")

        lost = task.done() and not task.cancelled() and task.exception()
        return isinstance(lost, ConnectionError)

    async def _ended(self, tasks: set[asyncio.Task[None]]) -> None:
        _, hung = await asyncio.wait(tasks, timeout=_HUNG)

        for task in hung:
            self._calls.findings.add("hung", _stack(task))
            task.cancel()


def _stack(task: asyncio.Task[Any]) -> str:
    text = io.StringIO()
    task.print_stack(file=text)
    return text.getvalue()


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)[-12:])


def compare(groups: Iterable[Group], found: Mapping[int, Any], findings: Findings) -> None:
    """Note the rows that are missing, and those that must not be there."""
    for group in groups:
        there = [row for row in group.rows if row in found]

        if group.fate == "must" and len(there) < len(group.rows):
            missing = sorted(set(group.rows) - set(there))
            findings.add("missing", f"rows {missing} of {_story(group)}")
        elif group.fate == "never" and there:
            findings.add("wrong commit", f"rows {there} of {_story(group)}")
        elif 0 < len(there) < len(group.rows):
            findings.add("torn", f"rows {there} of {_story(group)}")
        elif there and group.around is not None and not _is_there(group.around, found):
            findings.add("torn", f"rows {there} of {_story(group)} without those around them")


def _story(group: Group) -> str:
    return f"unit {group.unit.number}, alone: {group.unit.alone}: {'; '.join(group.unit.story)}"


def _is_there(group: Group, found: Mapping[int, Any]) -> bool:
    return not group.rows or group.rows[0] in found


def compare_numbers(
    journal: Journal, rows: Iterable[Mapping[str, Any]], findings: Findings, *, shared: bool
) -> None:
    """Note rows of one unit with several transaction numbers, and units that have one together.

    ``shared``: statements outside a transaction may have one together.
    """
    owners: dict[int, Unit] = {}
    numbers: dict[int, int] = {}

    for row in rows:
        unit, xid = journal.units[row["unit"]], row["xid"]
        owner = owners.setdefault(xid, unit)

        if numbers.setdefault(unit.number, xid) != xid:
            findings.add("outside", f"{row} is outside its transaction {numbers[unit.number]}")

        if owner is not unit and not (shared and owner.alone and unit.alone):
            findings.add("outside", f"{row} is in the transaction of unit {owner.number}")
