"""Carries out the steps of a plan, as the tasks of an application would."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from infrastructure import InfrastructureError

from ._calls import ENDING, Calls, Scope
from ._hazards import Hazards, in_wait_for, moment
from ._journal import Level
from ._plan import EVENTS, Moment, Step

__all__ = ["CALM", "Cut", "Deed"]

CALM = (InfrastructureError, TimeoutError, ExceptionGroup)
"""What a user of a storage reckons with: our errors, those of ``asyncio.timeout``, a group's."""

Cut = Callable[[Moment], AbstractAsyncContextManager[None]]
"""What cuts a COMMIT off that is made inside the block."""


class Undo(Exception):
    """Leaves a block so that it is rolled back."""


class Deed:
    """One deed of a task, outside any transaction at its begin."""

    def __init__(self, calls: Calls, cut: Cut) -> None:
        self.calls = calls
        self._storage = calls.storage
        self._cut = cut
        self.children: set[asyncio.Task[None]] = set()
        """Tasks that it started, some of which outlive what they were started in."""
        self._hazards = Hazards(calls.findings, calls.journal.events, self._child)
        self._kinds: dict[str, Callable[[Step, Scope], Awaitable[None]]] = {
            "write": calls.write, "many": calls.many, "read": calls.read,
            "stream": calls.stream, "stream left": calls.stream, "pause": self._pause,
            "duplicate key": calls.refused, "syntax error": calls.refused,
            "wrong count": calls.refused, "unmarked": calls.refused, "session state": calls.mark,
            "block": self._block, "flat": self._flat, "gather": self._gather,
            "task group": self._group, "detached": self._detached, "late task": self._late,
            "begun by another task": self._begun_elsewhere, "crowd": self._crowd,
        }  # fmt: skip

    async def run(self, step: Step, scope: Scope) -> None:
        """Do a step, disturbed as the plan says."""
        self._count(step.kind)

        if scope.level is not None:
            task = asyncio.current_task()
            told = [step.kind, step.ending, step.hazard, f"careless {step.careless}"]
            scope.level.unit.note(f"{task.get_name()} {told}")

        await self._hazards.around(step, lambda: self._kinds[step.kind](step, scope))

    def _count(self, name: str) -> None:
        if name in EVENTS:
            self.calls.journal.events[name] += 1

    async def _steps(self, step: Step, scope: Scope) -> None:
        for inner in step.steps:
            try:
                await self.run(inner, scope)
            except CALM:
                # Who does not know which transaction he is in had better leave.
                if not step.careless or (scope.level is not None and scope.level.astray):
                    raise

    async def _pause(self, step: Step, _: Scope) -> None:
        await moment(step.moment)

    async def _block(self, step: Step, scope: Scope) -> None:
        level = self.calls.journal.begin(scope.level)

        try:
            async with self._transaction(step, scope):
                await self._steps(step, Scope(level, held=True))
                self._count(step.ending)

                if step.ending == "roll back":
                    raise Undo

                level.state = "ending"
        except Undo:
            level.state, level.ended = "gone", True
        except BaseException as exc:
            level.end_by(exc)
            raise
        else:
            self._committed(level)

    @asynccontextmanager
    async def _transaction(self, step: Step, scope: Scope) -> AsyncIterator[None]:
        block, inside = self._storage.transaction(), Scope(scope.level, held=True)

        with self.calls.ends("begin", scope):
            await block.__aenter__()

        try:
            yield
        except BaseException:
            with self.calls.ends("roll back", inside, ENDING):
                await block.__aexit__(*sys.exc_info())

            raise

        async with self._ending(step):
            with self.calls.ends("commit", inside, max(ENDING, self.calls.deadline)):
                await block.__aexit__(None, None, None)

    @asynccontextmanager
    async def _ending(self, step: Step) -> AsyncIterator[None]:
        if step.ending != "cut in COMMIT":
            yield
            return

        async with self._cut(step.moment):
            yield

    def _committed(self, level: Level) -> None:
        level.state, level.ended = "committed", True

        if level.doomed:
            self.calls.findings.add(
                "wrong commit", f"unit {level.unit.number} was committed with a failed statement"
            )

    async def _flat(self, step: Step, scope: Scope) -> None:
        level, inside = self.calls.journal.begin(scope.level), Scope(scope.level, held=True)

        try:
            with self.calls.ends("begin", scope):
                await self._storage.begin_transaction()
        except BaseException:
            level.state = "gone"
            raise

        try:
            await self._steps(step, Scope(level, held=True))
        except BaseException:
            await self._roll_back(level, inside)
            self._stray(level.parent if level.astray else None)
            raise

        self._count(step.ending)

        if step.ending == "left open":
            level.state = "gone"
        elif step.ending == "roll back":
            await self._roll_back(level, inside)
        else:
            await self._commit(step, level, inside)

    async def _roll_back(self, level: Level, scope: Scope) -> None:
        level.state = "gone"

        level.unit.note("rollback()")

        with suppress(InfrastructureError), self.calls.ends("roll back", scope, ENDING):
            await self._storage.rollback()

        level.ended = not level.astray

    async def _commit(self, step: Step, level: Level, scope: Scope) -> None:
        level.state = "ending"

        try:
            async with self._ending(step):
                with self.calls.ends("commit", scope):
                    await self._sent(step)
        except BaseException as exc:
            level.end_by(exc)
            # Perhaps it was not sent, and the transaction is open still.
            level.ended = False
            self._stray(level.parent)
            raise

        self._committed(level)

    def _stray(self, level: Level | None) -> None:
        """Note that a savepoint in ``level`` is open still, or not: its commit failed, perhaps unsent."""
        if level is not None:
            level.astray = True

    async def _sent(self, step: Step) -> None:
        if step.ending == "commit in wait_for":
            await in_wait_for(self._storage.commit, self.calls.deadline)
        else:
            await self._storage.commit()

    def _child(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self.children.add(task)
        return task

    async def _gather(self, step: Step, scope: Scope) -> None:
        await asyncio.gather(*(self._child(self.run(inner, scope)) for inner in step.steps))

    async def _group(self, step: Step, scope: Scope) -> None:
        async with asyncio.TaskGroup() as group:
            for inner in step.steps:
                group.create_task(self.run(inner, scope))

    async def _detached(self, step: Step, scope: Scope) -> None:
        async with self._storage.detached():
            await self._steps(step, Scope(None, held=scope.held))

    async def _late(self, step: Step, scope: Scope) -> None:
        async def write() -> None:
            await moment(step.moment)
            await self.calls.write(step, scope)

        self._child(write())

    async def _begun_elsewhere(self, step: Step, scope: Scope) -> None:
        with self.calls.ends(step.kind, scope):
            await self._child(self._storage.begin_transaction())

        self.calls.findings.add("not refused", step.kind)

    async def _crowd(self, step: Step, _: Scope) -> None:
        """Hold more transactions at once than there are connections."""
        holding = Step(
            kind="block",
            steps=(
                Step(kind="write"),
                Step(kind="pause", moment=Moment(seconds=0.01)),
                Step(kind="write"),
            ),
        )
        tasks = [self._child(self._block(holding, Scope())) for _ in range(step.number)]
        await asyncio.gather(*tasks, return_exceptions=True)

    def strangers(self) -> list[BaseException]:
        """Return the errors of the children that nobody reckons with."""
        errors = [task.exception() for task in self.children if not task.cancelled()]
        return [error for error in errors if error is not None and strange(error)]


def strange(error: BaseException) -> bool:
    """Return whether it is an error that nobody reckons with."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(strange, error.exceptions))

    return not isinstance(error, (*CALM, asyncio.CancelledError))
