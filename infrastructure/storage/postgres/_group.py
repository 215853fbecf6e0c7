"""Group commit: writes of many tasks become durable by one commit of the server."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from ..._core.tasks import Tasks
from ...interfaces.exceptions import TimeoutError
from ._dial import cancel
from ._names import Names
from ._overdue import Overdue
from ._plans import Plan
from ._wire import OUT_OF_STEP, Wire
from .errors import UNANSWERED, is_made_up, lost

__all__ = ["GroupLane", "Write"]

_MOST = 500
"""Writes in one commit at most."""
_MOST_WAITING = 10_000
_SYNC = int(ExecStatus.PIPELINE_SYNC)
_ERROR = int(ExecStatus.FATAL_ERROR)
_FAILED = (_ERROR, int(ExecStatus.PIPELINE_ABORTED))
_RESCUE = 0.25
"""Seconds after which a group is undone, and each of its writes run alone."""
_STUCK = 0.5
"""Seconds after which others do not wait for it any more: the connection may be half dead."""
_SILENT = 3.0
"""Seconds without an answer after which a connection with overdue writes is given up."""


class Write:
    """A statement that waits for its commit; ``answer`` gets its result after that."""

    __slots__ = ("answer", "expires", "formats", "is_new", "plan", "result", "values")

    def __init__(
        self,
        plan: Plan,
        values: Sequence[bytes | None],
        formats: Sequence[int],
        expires: float,
        answer: asyncio.Future[PGresult],
    ) -> None:
        self.plan = plan
        self.values = values
        self.formats = formats
        self.expires = expires
        self.answer = answer
        # Whether it was prepared with it: its columns need not be those of the plan.
        self.is_new = True
        self.result: PGresult | None = None


class GroupLane(Wire):
    """Sends what came while the group before was under way, all under one Sync.

    One that fails undoes its group: each of it is run ``alone`` then, so that an error is its
    own statement's only. Results are given after the commit.
    """

    cancels = False

    def __init__(
        self,
        pgconn: PGconn,
        ended: Callable[[Wire], None],
        alone: Callable[[Write], None],
        *,
        names: int,
    ) -> None:
        super().__init__(pgconn, ended)
        pgconn.enter_pipeline_mode()
        self._alone = alone
        self._names = Names(names)
        self._named = names > 0
        self._waiting: deque[Write] = deque()
        self._group: list[Write] = []
        # Results of the group: how many came, how many are those of a preparation.
        self._came = 0
        self._steps: list[Write | None] = []
        self._failed = False
        self._since = 0.0
        self._overdue = Overdue(self._sweep)
        self._tasks = Tasks("storage")

    @property
    def load(self) -> int:
        """How many writes are on their way or wait."""
        return len(self._group) + len(self._waiting)

    def takes_work(self) -> bool:
        """Whether it may be given a further write now."""
        load = self.load

        if self.retired or load >= _MOST_WAITING or self._is_stuck(monotonic()):
            return False

        return self.is_open if load else self.looks_alive()

    def _is_stuck(self, now: float) -> bool:
        return bool(self._group) and now - self._since > _STUCK

    def retire(self) -> None:
        """Take no new work; close when all is answered."""
        self.retired = True

        if not self.load:
            self.close("it was replaced")

    def give_up(self) -> None:
        """Note that somebody waits no longer: what has left goes on, with the others of its group."""

    def forget(self, plan: Plan) -> None:
        """Prepare the statement anew the next time."""
        self._names.forget(plan)

    def send(
        self, plan: Plan, values: Sequence[bytes | None], formats: Sequence[int], expires: float
    ) -> asyncio.Future[PGresult]:
        """Send a write with the next group."""
        write = Write(plan, values, formats, expires, self._loop.create_future())
        self._waiting.append(write)

        if not self._group and len(self._waiting) == 1:
            # What other tasks write in this turn of the loop goes along.
            self._loop.call_soon(self._next)

        self._overdue.watch(expires)
        return write.answer

    def _next(self) -> None:
        if self._group or not self.is_open:
            return

        while self._waiting and len(self._group) < _MOST:
            write = self._waiting.popleft()

            if not write.answer.done():
                self._group.append(write)

        if self._group:
            self._since = monotonic()
            self._overdue.watch(self._since + _RESCUE)
            self._send_group()

    def _send_group(self) -> None:
        self._came, self._steps, self._failed = 0, [], False

        try:
            for write in self._group:
                self._send_one(write)

            self.pgconn.pipeline_sync()
        except Exception as exc:  # noqa: BLE001 - half of it may be sent: its answers would be others'
            self.lose(exc)
            return

        self.flush()

    def _send_one(self, write: Write) -> None:
        pgconn, plan = self.pgconn, write.plan

        if not self._named:
            pgconn.send_query_params(
                plan.sql, write.values, plan.oids, write.formats, result_format=plan.format
            )
            self._steps.append(write)
            return

        name = self._names.get(plan)
        write.is_new = name is None

        if name is None:
            name = self._names.make(plan)

            while self._names.stale:
                pgconn.send_close_prepared(self._names.stale.pop())
                self._steps.append(None)

            pgconn.send_prepare(name, plan.sql, plan.oids)
            self._steps.append(None)

        pgconn.send_query_prepared(name, write.values, write.formats, result_format=plan.format)
        self._steps.append(write)

    def _take(self) -> None:
        pgconn = self.pgconn

        while self._group and not pgconn.is_busy():
            result = pgconn.get_result()

            if result is None:
                if self.is_broken:
                    break

                continue

            status = result.status

            if status == _SYNC:
                self._end()
                continue

            if status in _FAILED:
                if status == _ERROR and is_made_up(result):
                    self.lose(psycopg.OperationalError(result.get_error_message()))
                    return

                self._failed = True
            elif self._came < len(self._steps) and (write := self._steps[self._came]):
                write.result = result

            self._came += 1

    def _end(self) -> None:
        if not self._failed and self._came != len(self._steps):
            # Whose answer is missing, or was one too many, nobody knows.
            self.lose(psycopg.OperationalError(OUT_OF_STEP))
            return

        group, self._group = self._group, []

        if self._failed:
            # A statement may have been prepared or not: it is done anew.
            self._names.forget_all()

        for write in group:
            if write.answer.done():
                continue

            if self._failed:
                self._alone(write)
            elif write.result is not None:
                if write.is_new:
                    write.plan.look_at(write.result)

                write.answer.set_result(write.result)

        self._next()

        if self.retired and not self.load:
            self.close("it was replaced")

    def _fail(self) -> None:
        self._overdue.stop()
        self._tasks.stop()
        self._send_away(self.reason)

        for write in self._group:
            if not write.answer.done():
                write.answer.set_exception(lost(write.plan.tried, self.reason, "unknown"))

        self._group = []

    def _send_away(self, reason: str) -> None:
        for write in self._waiting:
            if not write.answer.done():
                write.answer.set_exception(lost(write.plan.tried, reason, "not_applied"))

        self._waiting.clear()

    async def drained(self) -> None:
        """Return when everything was answered, what runs by itself too."""
        while waiting := [write.answer for write in self._unanswered()]:
            await asyncio.wait(waiting)
            await asyncio.sleep(0)

    def _unanswered(self) -> list[Write]:
        return [write for write in (*self._group, *self._waiting) if not write.answer.done()]

    def _sweep(self, now: float) -> float:
        following = math.inf

        for write in self._unanswered():
            if write.expires > now:
                following = min(following, write.expires)
            else:
                write.answer.set_exception(self._too_late(write))

        if not self._group:
            return following

        stalled = now - self._since

        if stalled > _SILENT and all(write.answer.done() for write in self._group):
            self.close("the server did not answer for too long")
            return math.inf

        if stalled > _STUCK:
            # They have not left: another connection may be in a better state.
            self._send_away("the server did not answer for too long")

        if stalled >= _RESCUE and not len(self._tasks):
            # One waits for a lock, perhaps of somebody who waits for the next group.
            self._tasks.start(cancel(self.pgconn, now + _SILENT), "cancel a group of writes")

        return min(following, now + _RESCUE)

    def _too_late(self, write: Write) -> TimeoutError:
        sent = write in self._group
        msg = f"{write.plan.tried}: the deadline passed{UNANSWERED}"
        return TimeoutError(
            msg,
            outcome="unknown" if sent else "not_applied",
            retryable=not sent,
            operation="execute",
        )
