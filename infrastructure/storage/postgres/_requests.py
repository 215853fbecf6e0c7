"""Requests to the server over one connection: one at a time, each fully answered."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from ..._core.deadline import Limit
from ...interfaces.exceptions import InfrastructureError, Outcome
from ._dial import cancel
from ._wire import OUT_OF_STEP, Wire
from .errors import UNANSWERED, is_made_up, lost, server_error

__all__ = ["BROKEN", "Requests"]

_AGAIN = 0.1
"""Seconds after which a statement that still runs is cancelled once more."""
BROKEN = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.NONFATAL_ERROR)
"""What a result is that tells of an error."""
_DONE = (int(ExecStatus.COMMAND_OK), int(ExecStatus.TUPLES_OK))


class Requests(Wire):
    """Every method ends by ``expires``; one that did not see its answer leaves it ``unanswered``."""

    def __init__(
        self, pgconn: PGconn, ended: Callable[[Wire], None], *, read_write: bool = False
    ) -> None:
        super().__init__(pgconn, ended)
        self.unanswered = False
        self._read_write = read_write
        # The statement of the request: the server says where in it it stumbled.
        self._query = ""
        self._results: list[PGresult] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._in_pipeline = False
        self._copying = False

    @property
    def in_transaction(self) -> bool:
        """Whether the server has a transaction open here."""
        return self.is_open and self.pgconn.transaction_status != TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether a statement of the open transaction failed, which can only be rolled back."""
        return self.is_open and self.pgconn.transaction_status == TransactionStatus.INERROR

    def _take(self) -> None:
        pgconn = self.pgconn
        ended = False

        # While a copy goes on libpq would say so again and again.
        while self.unanswered and self.is_open and not self._copying and not pgconn.is_busy():
            result = pgconn.get_result()

            if result is None:
                # In a pipeline it stands behind each statement, else at the end of all. Twice:
                # of what was sent so far all is answered, or the connection is broken.
                if not self._in_pipeline:
                    self._end()
                elif ended:
                    break

                ended = True
                continue

            ended = False

            if (status := result.status) in _DONE:
                self._results.append(result)
            elif status == ExecStatus.PIPELINE_SYNC:
                self._in_pipeline = False
                pgconn.exit_pipeline_mode()
                self._end()
            elif status in (ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
                # libpq would say so again and again, and nobody reads here.
                self.close("the server began to copy out")
                break
            else:
                self._results.append(result)

                if status == ExecStatus.FATAL_ERROR and is_made_up(result):
                    self.lose(psycopg.OperationalError(result.get_error_message()))
                elif status == ExecStatus.COPY_IN:
                    self._copying = True
                    self._wake()

    def _end(self) -> None:
        if not self._results:
            # The answer of nothing: what follows would be taken for the next one's.
            self.lose(psycopg.OperationalError(OUT_OF_STEP))
            return

        self.unanswered = False
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _fail(self) -> None:
        self._wake()

    async def _woken(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)

        try:
            await waiter
        finally:
            self._waiters.remove(waiter)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for an answer here."""
        return bool(self._waiters)

    def begin(
        self, send: Callable[[], None], tried: str, *, query: str = "", pipeline: bool = False
    ) -> None:
        """Send a request by ``send``; ``answer`` gives its results."""
        if not self.is_open:
            raise lost(tried, self.reason, "not_applied")

        assert not self.unanswered, "the request before is unanswered"
        self._results, self._query = [], query

        try:
            if pipeline:
                self.pgconn.enter_pipeline_mode()
                self._in_pipeline = True

            send()
        except psycopg.Error as exc:
            self.lose(exc)
            raise lost(tried, self.reason, "not_applied") from exc
        except BaseException as exc:
            # Half of it may be sent, and what comes next would get its answers.
            self.lose(exc)
            raise

        self.unanswered = True
        self.flush()

    async def answer(self, tried: str, outcome: Outcome = "unknown") -> list[PGresult]:
        """Return all results of the request, or those before a copy; an error among them is raised."""
        results = await self.results(tried, outcome)

        for result in results:
            if result.status in BROKEN:
                raise self.refused(result, tried, outcome)

        return results

    async def results(self, tried: str, outcome: Outcome = "unknown") -> list[PGresult]:
        """Return all results of the request, errors too, or those before a copy.

        ``outcome``: what is known of the request where its answer does not come.
        """
        if self.unanswered and self.is_open:
            await self._woken()

        results, self._results = self._results, []

        if self.unanswered and not self.is_open and not _broken(results):
            raise lost(tried, self.reason, outcome)

        return results

    def refused(
        self, result: PGresult, tried: str, outcome: Outcome = "unknown"
    ) -> InfrastructureError:
        """Return the error of what the server refused."""
        # One that ends the connection too may come after the work was done.
        known = None if self.is_open else outcome
        return server_error(
            result, tried, query=self._query, outcome=known, read_write=self._read_write
        )

    async def request(
        self,
        send: Callable[[], None],
        expires: float,
        tried: str,
        *,
        query: str = "",
        pipeline: bool = False,
        harmless: bool = False,
    ) -> list[PGresult]:
        """Send a request and return its results; a ``harmless`` one changes nothing in the database.

        ``query``  the SQL that it consists of.
        """
        async with Limit(tried, expires=expires) as limit:
            self.begin(send, tried, query=query, pipeline=pipeline)
            limit.more = UNANSWERED
            limit.outcome = "not_applied" if harmless else "unknown"
            return await self.answer(tried, limit.outcome)

    async def simple(
        self, text: str, expires: float, tried: str, *, harmless: bool = False
    ) -> list[PGresult]:
        """Run a text of statements without parameters."""
        send = partial(self.pgconn.send_query, text.encode())
        return await self.request(send, expires, tried, query=text, harmless=harmless)

    def put(self, chunk: bytes | bytearray, tried: str) -> None:
        """Hand a part of a copy to libpq; ``room`` tells when it has left."""
        if not self.is_open:
            raise lost(tried, self.reason, "not_applied")

        try:
            if not self.pgconn.put_copy_data(chunk):
                raise psycopg.OperationalError("there is no memory for a part of the copy")
        except psycopg.Error as exc:
            self.lose(exc)
            raise lost(tried, self.reason, "not_applied") from exc

        self.flush()

    def end_copy(self, failed: str = "") -> None:
        """End a copy; ``failed``: the server must take nothing of it. ``answer`` tells the rest."""
        if not (self.is_open and self._copying):
            return

        try:
            self.pgconn.put_copy_end(failed.encode() or None)
        except psycopg.Error as exc:
            self.lose(exc)
            return

        self._copying = False
        self.flush()
        self._take()

    def _is_over(self) -> bool:
        return not (self.unanswered and self.is_open)

    async def settle(self, expires: float) -> None:
        """Cancel the request that is unanswered, and wait for its end."""
        if self._is_over():
            return

        async with Limit("rollback", expires=expires) as limit:
            limit.more = " while the statement before it was cancelled"

            while not self._is_over():
                # A copy, perhaps one that the cancelled statement has begun after all.
                self.end_copy("the copy was given up")

                if not self._is_over():
                    await self._cancelled(expires)

            self._results = []

    async def _cancelled(self, expires: float) -> None:
        """Ask the server to stop, and wait a little: it hears nothing before it has begun."""
        asked = False

        try:
            asked = await cancel(self.pgconn, expires)
        finally:
            # It may come late, and would hit what runs here next.
            if not asked:
                self.close("a statement could not be cancelled")

        if self.unanswered and self.is_open:
            with suppress(builtins.TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    await self._woken()


def _broken(results: Sequence[PGresult]) -> bool:
    return any(result.status in BROKEN for result in results)
