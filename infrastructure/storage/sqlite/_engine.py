"""Brings a statement to the connection it belongs on: the writer, a reader, the transaction's."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Optional

from ..._core.deadline import expiry
from ...interfaces.exceptions import ConnectionError, InfrastructureError, Outcome
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, StatementKind, parse_statement
from .._transaction import Transactions
from ._jobs import StalePlan, Work
from ._last import Last
from ._loop_reader import LoopReader
from ._plans import Ask, Plans
from ._readers import Readers
from ._rows import Plan, fetch
from ._session import WriterSession
from ._settings import Settings, open_connection
from ._shortcuts import Shortcuts
from ._worker import BUSY_WAIT, Worker
from ._writer import Writer

__all__ = ["Engine", "session_of"]

# Connections of a parent process: closed by the child, SQLite would drop the parent's log.
_FOREIGN: list[Any] = []


class Engine:
    """The connections of one storage and the transactions on them."""

    def __init__(self, deadline: Optional[float], describe: Callable[[], str]) -> None:
        self.deadline = deadline
        self._describe = describe
        self.transactions = Transactions(self._lease, deadline, begin="BEGIN IMMEDIATE")
        self._workers: set[Worker] = set()
        self._last = Last(lambda: None)
        self._readers: Optional[Readers] = None
        self._writer: Optional[Writer] = None
        self._plans: Optional[Plans] = None
        self._inline = True
        self._shortcuts: Optional[Shortcuts] = None
        # Gives the rows of a statement that is known, or what ``execute`` must be told.
        self.take: Callable[[str, Optional[Sequence[Any]]], Any] = _nothing

    @property
    def writer(self) -> Writer:
        """The one writer."""
        if self._writer is None:
            raise self._closed()

        return self._writer

    @property
    def readers(self) -> Readers:
        """The reading connections."""
        if self._readers is None:
            raise self._closed()

        return self._readers

    async def open(
        self, settings: Settings, *, inline_reads: bool, farewell: Callable[[], object]
    ) -> None:
        """Open the connections; the caller aborts after an error.

        ``farewell`` is called, on its thread, when the last connection of a thread was closed.
        """
        self._last = Last(farewell)
        connect = partial(open_connection, settings)
        writing = partial(connect, writer=True, busy_wait=BUSY_WAIT)
        worker = self._make_worker("infrastructure-sqlite-writer", writing)
        await worker.opened()
        self._readers = Readers(await LoopReader.opened(connect), connect, self._make_worker)
        self._inline = inline_reads
        self._writer = Writer(worker, self._holders)
        self._plans = Plans(self._readers.here.look)
        self._shortcuts = Shortcuts(
            self._readers.here,
            self._writer,
            self.transactions,
            self.deadline,
            inline=inline_reads,
        )
        self.take = self._shortcuts.take

    def _make_worker(self, name: str, connect: Callable[[], sqlite3.Connection]) -> Worker:
        self._last.came()
        worker = Worker(name, connect, self._closed, self._last.gone)
        self._workers.add(worker)
        worker.stopped.add_done_callback(lambda _: self._workers.discard(worker))
        return worker

    async def close(self) -> None:
        """Roll open transactions back, finish what is queued, close."""
        self.transactions.abort()
        self.writer.fail(self._closed)
        writer = self.writer.worker

        # Not gather: out of time, it would cancel what tells that a thread has ended. A stream may
        # open another meanwhile.
        while others := [each.stop() for each in self._workers if each is not writer]:
            await asyncio.wait(others)

        # The writer's connection is the last one: its end writes the log into the file, which takes
        # its time, and then nobody is left whose file or folder could be missing.
        self._close_readers()
        await asyncio.wait({writer.stop()})

    def abort(self) -> None:
        """Fail what is in flight and let go of everything."""
        self.transactions.abort()

        if self._writer is not None:
            self._writer.fail(self._closed)

        self._close_readers()

        for worker in tuple(self._workers):
            worker.abort()

        self._workers.clear()
        self._writer = None

    def _close_readers(self) -> None:
        if self._readers is not None:
            self._readers.close()

        self._forget_readers()

    def _forget_readers(self) -> None:
        self._readers = self._plans = self._shortcuts = None
        self.take = _nothing

    def abandon(self, *, forked: bool) -> None:
        """Forget what a parent process owns without closing it, and end what a closed loop left."""
        self.transactions.forget()

        if forked:
            _FOREIGN.append((self._workers, self._readers))
            self._forget_readers()
        else:
            for worker in self._workers:
                worker.stop()

            self._close_readers()

        self._workers = set()
        self._writer = None

    def _closed(self, outcome: Outcome = "not_applied") -> InfrastructureError:
        msg = f"{self._describe()} was closed by disconnect() before the statement was done"
        return ConnectionError(msg, outcome=outcome)

    def _holders(self) -> str:
        return "; ".join(map(str, self.transactions.roots))

    async def _lease(self, expires: float, held: Optional[Level]) -> WriterSession:
        return await self.writer.lease(expires, held)

    async def prepare(
        self, query: str, params: Optional[Sequence[Any]], operation: str, *, again: bool = False
    ) -> tuple[Plan, Sequence[Any], Optional[Level]]:
        """Return the plan of a statement, its parameters as SQLite takes them, and its level.

        ``again``: the plan that is known was out of date a moment ago.
        """
        statement = parse_statement(query, dialect="sqlite")
        level = self.transactions.current(operation)
        refuse(statement, in_transaction=level is not None)
        params = check_parameters(statement, params)
        plan = await (self.newest_plan(statement) if again else self.plan(statement, level))

        try:
            return plan, plan.encode(params), level
        except InfrastructureError:
            # Nothing will look at the schema's version any more: it may be right for the new one.
            newest = None if level else await self.newest_plan(statement)

            if newest in (None, plan):
                raise

            return newest, newest.encode(params), level

    async def newest_plan(self, statement: Statement) -> Plan:
        """Return the plan of a statement for the schema as it is now."""
        if self._plans is None:
            raise self._closed()

        return await self._plans.of(statement)

    async def plan(self, statement: Statement, level: Optional[Level]) -> Plan:
        """Return the plan of a statement that runs in ``level``."""
        if self._plans is None:
            raise self._closed()

        if level is None:
            # The thread that runs a write looks at the schema's version.
            return self._plans.known(statement) or await self._plans.of(statement)

        # A temporary table, or an attached file, is to be seen by its own connection only.
        fresh = level.root.changed_schema or session_of(level).touched
        return await self._plans.of(statement, self._asking(level), fresh=fresh)

    def _asking(self, level: Level) -> Ask:
        async def ask(sql: str, params: Sequence[Any]) -> list[Any]:
            rows: list[Any] = await self.inside(
                level, lambda con: con.execute(sql, params).fetchall(), "look at the schema"
            )
            return rows

        return ask

    async def inside(self, level: Level, work: Work, tried: str, *, touches: bool = False) -> Any:
        """Run ``work`` on the connection of a transaction, when it is the level's turn."""
        expires = expiry(self.deadline)
        session = session_of(level)
        session.touched |= touches
        return await level.root.run(
            level, expires, tried, lambda: session.run(work, expires, tried)
        )

    async def execute(
        self,
        query: str,
        params: Optional[Sequence[Any]],
        begun: Optional[Awaitable[list[Any]]],
    ) -> list[Any]:
        """Run one statement where it belongs, or await the one that has ``begun``."""
        # One for all attempts: a schema that changes again and again must not outlast it.
        expires = expiry(self.deadline)

        again = False

        while True:
            try:
                return await (begun or self._execute(query, params, expires, again=again))
            except StalePlan:
                # Somebody has changed the schema: the parameters are made anew.
                begun, again = None, True

    async def _execute(
        self, query: str, params: Optional[Sequence[Any]], expires: float, *, again: bool
    ) -> list[Any]:
        plan, values, level = await self.prepare(query, params, "execute", again=again)
        statement = plan.statement
        tried = plan.tried
        work = partial(fetch, plan=plan, params=values)
        rows: list[Any]

        if level is not None:
            level.root.changed_schema |= statement.kind is StatementKind.DDL
            rows = await self.inside(level, work, tried, touches=statement.touches_session)
        elif statement.kind is StatementKind.READ:
            rows = await self._read(query, plan, values, expires, tried)
        else:
            rows = await self.writer.execute(
                work,
                expires,
                self.transactions.held(),
                tried,
                grouped=statement.kind is StatementKind.WRITE,
                version=plan.version,
            )

            if statement.kind is StatementKind.WRITE:
                self._learn(query, plan)

        return rows

    def _learn(self, query: str, plan: Plan) -> None:
        if self._shortcuts is not None:
            self._shortcuts.learn(query, plan)

    async def _read(
        self, query: str, plan: Plan, values: Sequence[Any], expires: float, tried: str
    ) -> list[Any]:
        """Run a query outside a transaction: here when it is short, else on a thread."""
        readers = self.readers

        if self._inline and not (plan.rest or plan.threaded):
            rows = readers.here.read(plan, values)

            if rows is not None:
                self._learn(query, plan)
                return rows

        plan.rest = max(0, plan.rest - 1)
        found: list[Any] = await readers.read(plan, values, expires, tried)
        return found


def _nothing(_query: str, _params: Optional[Sequence[Any]]) -> None:
    """Know no statement: the storage is closed."""


def session_of(level: Level) -> WriterSession:
    """Return the session of a transaction on SQLite."""
    session = level.root.session
    assert isinstance(session, WriterSession)
    return session
