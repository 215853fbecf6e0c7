"""The one writer: autocommit statements pass in groups, a transaction has it to itself."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Optional, Union

from ...interfaces.exceptions import InfrastructureError, TimeoutError, TransactionError
from .._levels import Level
from ._jobs import Job, Work
from ._outcome import outcome_of
from ._session import WriterSession
from ._worker import Worker

__all__ = ["Writer"]


class _Place:
    """A place in the queue: for a transaction, or with the work of one statement."""

    __slots__ = ("expires", "granted", "grouped", "version", "work")

    def __init__(
        self,
        work: Optional[Work],
        expires: float,
        *,
        grouped: bool = False,
        version: Optional[int] = None,
    ) -> None:
        self.work = work
        self.expires = expires
        self.grouped = grouped
        self.version = version
        self.granted: asyncio.Future[Union[WriterSession, Job]] = (
            asyncio.get_running_loop().create_future()
        )


class Writer:
    """Who may use the writer's thread now: first come, first served."""

    def __init__(self, worker: Worker, holders: Callable[[], str]) -> None:
        self.worker = worker
        self._holders = holders
        self._holder: Optional[WriterSession] = None
        self._queue: deque[_Place] = deque()

    @property
    def is_free(self) -> bool:
        """Whether a statement may go to the thread at once."""
        return self._holder is None and not self._queue

    async def lease(self, expires: float, held: Optional[Level]) -> WriterSession:
        """Return the writer's session for a transaction that has it to itself."""
        if self.is_free:
            return self._make_holder()

        place = _Place(None, expires)
        granted = await self._wait(place, held, "begin_transaction")
        assert isinstance(granted, WriterSession)
        return granted

    async def execute(
        self,
        work: Work,
        expires: float,
        held: Optional[Level],
        tried: str,
        *,
        grouped: bool,
        version: Optional[int],
    ) -> Any:
        """Run one statement that commits by itself; ``StalePlan`` where the schema has changed."""
        if self.is_free:
            job = self.worker.submit(work, expires, grouped=grouped, version=version)
        else:
            place = _Place(work, expires, grouped=grouped, version=version)
            granted = await self._wait(place, held, tried)
            assert isinstance(granted, Job)
            job = granted

        return await outcome_of(job, tried)

    async def _wait(
        self, place: _Place, held: Optional[Level], tried: str
    ) -> Union[WriterSession, Job]:
        self._refuse_own(held, tried)
        self._queue.append(place)
        expires = place.expires
        remaining = None if expires == math.inf else max(0.0, expires - time.monotonic())

        try:
            done, _ = await asyncio.wait({place.granted}, timeout=remaining)
        except asyncio.CancelledError:
            self._withdraw(place)
            raise

        if not done:
            self._withdraw(place)
            msg = (
                f"{tried}: SQLite has one writer, and it was not free before the deadline; "
                f"it is held by {self._holders() or f'{len(self._queue)} that wait before it'}"
            )
            raise TimeoutError(msg, retryable=True, outcome="not_applied")

        # Or the error of a writer that was closed meanwhile.
        return place.granted.result()

    def _refuse_own(self, held: Optional[Level], tried: str) -> None:
        while held is not None:
            if held.root.session is self._holder:
                msg = (
                    f"{tried}: this task holds SQLite's one writer by its open transaction and "
                    "would wait for itself; do it inside the transaction, or after it"
                )
                raise TransactionError(msg, outcome="not_applied")

            held = held.root.outer

    def _withdraw(self, place: _Place) -> None:
        """Leave the queue; what was granted in the same moment is passed on."""
        if not place.granted.done():
            place.granted.cancel()
        elif not place.granted.cancelled() and place.granted.exception() is None:
            granted = place.granted.result()

            if isinstance(granted, WriterSession):
                granted.release()
            else:
                granted.give_up()

    def _make_holder(self) -> WriterSession:
        self._holder = WriterSession(self.worker, self._leave)
        return self._holder

    def _leave(self, session: WriterSession) -> None:
        """End a lease: the statements that wait go on, up to the next transaction."""
        if self._holder is session:
            self._holder = None
            self._grant()

    def _grant(self) -> None:
        """Hand the writer on, in order: a statement is on the thread before the next is granted."""
        while self._queue and self._holder is None:
            place = self._queue.popleft()

            if place.granted.done():
                continue

            if place.work is None:
                place.granted.set_result(self._make_holder())
            else:
                job = self.worker.submit(
                    place.work, place.expires, grouped=place.grouped, version=place.version
                )
                place.granted.set_result(job)

    def fail(self, error: Callable[[], InfrastructureError]) -> None:
        """Fail all who wait: the storage disconnects."""
        while self._queue:
            place = self._queue.popleft()

            if not place.granted.done():
                place.granted.set_exception(error())
