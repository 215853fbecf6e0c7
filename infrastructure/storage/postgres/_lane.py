"""A connection that many share: short statements, each committed by itself, one after another."""

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
from ._cork import Cork
from ._dial import cancel
from ._entries import Entry, RowsEntry, StepEntry, Values
from ._names import Names
from ._overdue import Overdue
from ._plans import Plan
from ._wire import OUT_OF_STEP, Wire
from .errors import UNANSWERED, is_made_up, lost, method_of

__all__ = ["Lane"]

_STALLED = 0.02
"""Seconds without an answer after which a lane takes no new work."""
_MOST = 1000
_RESCUE = 0.1
"""Seconds for which the others wait for one: it waits for a lock, perhaps of one of them."""
_LOOK = 1.0
"""Seconds after which a lane that is busy sees to it that the answers are those to what was asked."""
_SILENT = 3.0
"""Seconds after its last answer at which a lane with overdue statements is given up."""


class Lane(Wire):
    """libpq's pipeline mode with a Sync behind each statement: an error is its own statement's only."""

    def __init__(
        self,
        pgconn: PGconn,
        ended: Callable[[Wire], None],
        *,
        names: int = 256,
        read_write: bool = False,
    ) -> None:
        super().__init__(pgconn, ended)
        pgconn.enter_pipeline_mode()
        self._names = Names(names)
        self._named = names > 0
        self._read_write = read_write
        self._entries: deque[Entry | StepEntry] = deque()
        # When the first of them became the first.
        self._since = 0.0
        self._overdue = Overdue(self._sweep)
        self._cork = Cork(self._descriptor)
        self._tasks = Tasks("storage")
        self._look_at = monotonic() + _LOOK
        self._numbers = 0
        self.cancels = False
        """Whether a cancel request was sent, which may hit the statement after the one it was for."""

    @property
    def load(self) -> int:
        """How many statements wait for their answers."""
        return len(self._entries)

    def takes_work(self) -> bool:
        """Whether it may be given a further statement now."""
        if self.retired:
            return False

        if not self._entries:
            return self.looks_alive()

        if monotonic() - self._since > _STALLED:
            # Perhaps nobody waits for what holds it up.
            self._overdue.watch(0.0)
            return False

        return len(self._entries) < _MOST and not self._writing

    async def drained(self) -> None:
        """Return when everything was answered that somebody waits for."""
        while waiting := [entry.answer for entry in self._entries if not entry.answer.done()]:
            await asyncio.wait(waiting)
            # The callers go on first, and may send more.
            await asyncio.sleep(0)

    def retire(self) -> None:
        """Take no new work; close when all is answered."""
        self.retired = True

        if not self._entries:
            self.close("it was replaced")

    def give_up(self) -> None:
        """Note that somebody waits no longer: what nobody waits for is ended."""
        self._overdue.watch(monotonic() + _STALLED)

    def send(
        self, plan: Plan, values: Sequence[bytes | None], formats: Sequence[int], expires: float
    ) -> asyncio.Future[PGresult]:
        """Send one statement; the future gets its result, or its error."""
        entry = Entry(plan, self._loop.create_future(), expires)
        return self._send(entry, ((values, formats),))

    def send_rows(
        self, plan: Plan, rows: Sequence[Values], expires: float
    ) -> asyncio.Future[PGresult]:
        """Send one statement for every row, all or nothing; the future gets the last result."""
        return self._send(RowsEntry(plan, self._loop.create_future(), expires, len(rows)), rows)

    def _send(self, entry: Entry, rows: Sequence[Values]) -> asyncio.Future[PGresult]:
        plan, pgconn = entry.plan, self.pgconn

        if self._entries:
            # Among others: they leave together.
            self._cork.put_in()

        try:
            name = self._prepared_name(entry)

            for values, formats in rows:
                if name is not None:
                    pgconn.send_query_prepared(name, values, formats, result_format=plan.format)
                else:
                    pgconn.send_query_params(
                        plan.sql, values, plan.oids, formats, result_format=plan.format
                    )

            pgconn.pipeline_sync()
        except Exception as exc:
            # Half of it may be sent, and what comes next would get its answers.
            self.lose(exc)
            raise lost(entry.tried, self.reason, "unknown") from exc

        self._enter(entry)
        return entry.answer

    def _enter(self, entry: Entry) -> None:
        """Put what was sent behind the others, and see that it leaves."""
        if not self._entries:
            self._since = monotonic()

        self._entries.append(entry)
        self.flush()
        expires = entry.expires
        due = expires if len(self._entries) == 1 else min(expires, self._since + _RESCUE)

        if due < self._overdue.due:
            self._overdue.watch(due)

    def _prepared_name(self, entry: Entry) -> bytes | None:
        """Return under which name the statement stands, which may be prepared first."""
        if not self._named:
            return None

        plan, pgconn, names = entry.plan, self.pgconn, self._names
        known = names.get(plan)

        if known is not None:
            entry.is_new = False
            return known

        name = names.make(plan)

        if names.stale:
            pgconn.send_close_prepared(names.stale.pop())
            entry.before += 1

        # With the statement under one Sync: where it fails, the statement is not run.
        # psycopg 3.2 takes a list only.
        pgconn.send_prepare(name, plan.sql, plan.oids)
        entry.before += 1
        return name

    def forget(self, plan: Plan) -> None:
        """Prepare the statement anew the next time."""
        self._names.forget(plan)

    def _take(self) -> None:
        pgconn, entries = self.pgconn, self._entries
        is_busy, get_result = pgconn.is_busy, pgconn.get_result
        now = monotonic()

        while entries and not is_busy():
            result = get_result()

            if result is None:
                if self.is_broken:
                    break

                continue

            status = result.status

            if status == ExecStatus.PIPELINE_SYNC:
                if not self._end(entries.popleft(), now):
                    self.lose(psycopg.OperationalError(OUT_OF_STEP))
                    return
            elif status == ExecStatus.FATAL_ERROR and is_made_up(result):
                self.lose(psycopg.OperationalError(result.get_error_message()))
                return
            elif entries[0].before:
                self._prepared(entries[0], result)
            else:
                entries[0].take(result)

        if self.retired and not entries:
            self.close("it was replaced")
        elif entries and now >= self._look_at:
            self._look(now)

    def _look(self, now: float) -> None:
        """Ask, behind the others, whether answers are those to what was asked."""
        self._look_at = now + _LOOK
        self._numbers += 1
        # As if somebody waited so long: a silent server is given up though this is all it was asked.
        entry = StepEntry(self._loop.create_future(), self._numbers, now + _SILENT)
        # Where the connection breaks, whoever asked something is told.
        entry.answer.add_done_callback(asyncio.Future.exception)

        try:
            self.pgconn.send_query_params(entry.text, [])
            self.pgconn.pipeline_sync()
        except psycopg.Error as exc:
            self.lose(exc)
            return

        self._entries.append(entry)
        self.flush()
        self._overdue.watch(entry.expires)

    def _prepared(self, entry: Entry | StepEntry, result: PGresult) -> None:
        """Take what came for the preparation that was sent before the statement."""
        entry.before -= 1

        if result.status != ExecStatus.COMMAND_OK:
            if isinstance(entry, Entry):
                self._names.forget(entry.plan, prepared=False)

            entry.before, entry.result = 0, result

    def _end(self, entry: Entry | StepEntry, now: float) -> bool:
        """Give a statement its answer; return whether that can be its own."""
        result, answer = entry.result, entry.answer

        if result is None:
            if not answer.done():
                answer.set_exception(lost(entry.tried, OUT_OF_STEP, "unknown"))

            return False

        entry.took(now - self._since, result)
        self._since = now

        if answer.done():
            return True

        if result.status == ExecStatus.FATAL_ERROR:
            answer.set_exception(entry.error(result, read_write=self._read_write))
            return True

        return entry.accept(result)

    def _fail(self) -> None:
        self._overdue.stop()
        self._cork.close()
        self._tasks.stop()
        entries, self._entries = self._entries, deque()

        for entry in entries:
            if not entry.answer.done():
                entry.answer.set_exception(lost(entry.tried, self.reason, "unknown"))

    def _sweep(self, now: float) -> float:
        """End what is overdue; a lane that has said nothing for long is given up."""
        following = math.inf

        for entry in self._entries:
            if entry.answer.done():
                continue

            if entry.expires <= now:
                entry.answer.set_exception(_too_late(entry))
            else:
                following = min(following, entry.expires)

        if not self._entries:
            return math.inf

        abandoned = self._entries[0].answer.done()
        stalled = now - self._since

        if abandoned and following == math.inf and stalled > _SILENT:
            self.close("the server did not answer for too long")
            return math.inf

        if not abandoned and len(self._entries) == 1:
            return following

        patience = _STALLED if abandoned else _RESCUE

        if stalled >= patience:
            self._cancel(now)
            patience = stalled + _RESCUE

        return min(following, self._since + patience)

    def _cancel(self, now: float) -> None:
        """End the statement that runs: nobody waits for it, or it is run again, alone."""
        if not len(self._tasks):
            self.cancels = True
            self._tasks.start(cancel(self.pgconn, now + _SILENT), "cancel a statement")


def _too_late(entry: Entry | StepEntry) -> TimeoutError:
    msg = f"{entry.tried}: the deadline passed{UNANSWERED}"
    return TimeoutError(msg, outcome="unknown", operation=method_of(entry.tried))
