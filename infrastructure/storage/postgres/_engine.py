"""Brings a statement to the connection it belongs on: a lane, the pool's, the transaction's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from psycopg.pq.abc import PGresult

from ..._core.deadline import expiry
from ..._core.tasks import Tasks
from ...interfaces.exceptions import (
    ConnectionError,
    InfrastructureError,
    OperationError,
    ValidationError,
)
from .._levels import Level
from .._parameters import check_parameters
from .._refusals import refuse
from .._statement import Statement, parse_statement
from .._transaction import Transactions
from ._connection import Connection
from ._dialler import Dialler
from ._group import GroupLane, Write
from ._lane import Lane
from ._lanes import Lanes
from ._listen import Listener
from ._outage import Outage
from ._plans import Plan, Plans
from ._pool import Pool
from ._session import PostgresSession
from ._settings import Options
from ._short import Sent, ShortWay
from ._statements import CANCELLED, may_be_stale, rows_of, run, run_alone
from ._wire import Wire

__all__ = ["Engine", "session_of"]

T = TypeVar("T")

# Connections of a parent process: nobody here may touch them.
_FOREIGN: list[Any] = []


class Engine:
    """The connections of one storage and the transactions on them."""

    def __init__(
        self, options: Options, deadline: float | None, describe: Callable[[], str]
    ) -> None:
        self.options = options
        self.deadline = deadline
        self._describe = describe
        self.transactions = Transactions(self._lease, deadline)
        self.plans = Plans()
        self._dialler = Dialler(options, Outage(describe))
        self._pool: Pool | None = None
        self._lanes: Lanes[Lane] | None = None
        self._groups: Lanes[GroupLane] | None = None
        self._short: ShortWay | None = None
        self._listener: Listener | None = None
        self.prepare_for: Callable[[Statement], Awaitable[None]] = _nothing
        """Makes what a statement needs beforehand, such as ``time_bucket``."""
        self._tasks = Tasks("storage")

    @property
    def pool(self) -> Pool:
        """The connections for one user at a time."""
        if self._pool is None:
            raise self.closed()

        return self._pool

    @property
    def listener(self) -> Listener:
        """The connection that listens."""
        if self._listener is None:
            raise self.closed()

        return self._listener

    def closed(self) -> ConnectionError:
        """Return the error of what comes after the end."""
        return ConnectionError(
            f"{self._describe()} was closed by disconnect()", outcome="not_applied"
        )

    async def open(self, expires: float) -> None:
        """Open the first connection, which tells what server it is."""
        options = self.options
        self._dialler = dialler = Dialler(options, Outage(self._describe))
        size = options.max_connections
        # Two at least are for one user at a time: a transaction, and what is outside it.
        shared = min(max(0, size - 2), 2 + options.group_commit) if options.pipelining else 0
        groups = min(int(options.group_commit), shared)
        self._pool = Pool(
            dialler.connection,
            size - shared,
            shared=shared,
            transactions=lambda: "; ".join(map(str, self.transactions.roots)),
            own=connections_of,
        )
        self._lanes = Lanes(dialler.lane, shared - groups)
        self._listener = Listener(dialler.listener)
        self._groups = Lanes(self._dial_group, groups)
        self.plans = Plans()
        self._short = ShortWay(self.transactions, self.plans, self._lanes, self._groups)
        self._pool.add(await dialler.connection(self._pool.ended, expires))

    async def _dial_group(self, ended: Callable[[Wire], None], expires: float) -> GroupLane:
        return await self._dialler.group(ended, expires, self._alone)

    def _alone(self, write: Write) -> None:
        """Run a write by itself whose group was undone."""
        self._tasks.start(self._run_write(write), "run a write by itself")

    async def _run_write(self, write: Write) -> None:
        async def work(connection: Connection) -> PGresult:
            return await connection.run(write.plan, write.values, write.formats, write.expires)

        try:
            result = await self.outside("execute", write.expires, work)
        except InfrastructureError as exc:
            if not write.answer.done():
                write.answer.set_exception(exc)
        else:
            write.plan.look_at(result)

            if not write.answer.done():
                write.answer.set_result(result)

    async def close(self) -> None:
        """Roll open transactions back, finish what is in flight."""
        self.transactions.abort()

        for lanes in (self._lanes, self._groups):
            if lanes is not None:
                await lanes.drain()

        await self.pool.drain()

    def abort(self) -> None:
        """Fail what is in flight and let go of everything."""
        self.transactions.abort()
        reason = f"{self._describe()} was closed by disconnect()"

        for each in (self._lanes, self._groups, self._listener, self._pool):
            if each is not None:
                each.close(reason)

        # Not the tasks that run writes by themselves: each has got its error by now.
        self._lanes = self._groups = self._short = self._listener = self._pool = None
        self.plans.clear()

    def abandon(self) -> None:
        """Forget what a parent process or a closed loop owns, without touching it."""
        self.transactions.forget()
        _FOREIGN.append((self._lanes, self._groups, self._listener, self._pool))
        self._lanes = self._groups = self._short = self._listener = self._pool = None
        self.plans.clear()

    async def _lease(self, expires: float, held: Level | None) -> PostgresSession:
        pool = self.pool
        return PostgresSession(
            await pool.lease(expires, held, "begin_transaction"), pool, self.plans
        )

    async def execute(self, query: str, params: Sequence[Any] | None) -> list[dict[str, Any]]:
        """Run one statement where it belongs."""
        expires = expiry(self.deadline)
        sent = self._short.send(query, params, expires) if self._short is not None else None

        if sent is not None:
            result = await self._answer(sent)

            if result is not None:
                return await rows_of(self.plans, sent[0], result)

        return await self._execute(query, params, expires)

    async def execute_few(self, query: str, rows: object) -> bool:
        """Run a write for each of a few rows, all or nothing; ``False``: nothing was done."""
        sent = None

        if self._short is not None:
            sent = self._short.send_rows(query, rows, expiry(self.deadline))

        return sent is not None and await self._answer(sent) is not None

    async def _answer(self, sent: Sent) -> PGresult | None:
        """Return the result of what was sent the short way; ``None``: it is to go the long way."""
        plan, lane, answer = sent

        try:
            return await answer
        except asyncio.CancelledError:
            lane.give_up()
            raise
        except InfrastructureError as exc:
            self._look_again(exc, plan, lane)
            return None

    def _look_again(self, error: InfrastructureError, plan: Plan, lane: Lane | GroupLane) -> None:
        """Return where a statement was not run and is to go the long way; else raise ``error``."""
        self.look_at(error)

        if may_be_stale(error):
            # The server has undone what it did; the long way describes it anew.
            lane.forget(plan)
            self.plans.forget(plan)
            return

        rescued = error.sqlstate == CANCELLED and lane.cancels
        unsent = isinstance(error, ConnectionError) and error.outcome == "not_applied"

        if not (rescued or (unsent and error.sqlstate is None)):
            raise error

    async def _execute(
        self, query: str, params: Sequence[Any] | None, expires: float
    ) -> list[dict[str, Any]]:
        statement = parse_statement(query)
        level = self.transactions.current("execute")
        refuse(statement, in_transaction=level is not None)
        params = check_parameters(statement, params)

        await self.ready(statement)

        if level is not None:
            return await self.inside(
                level,
                "execute",
                expires,
                lambda connection: run(self.plans, connection, statement, params, expires),
            )

        return await self.outside(
            "execute",
            expires,
            lambda connection: run_alone(self.plans, connection, query, statement, params, expires),
        )

    async def ready(self, statement: Statement) -> None:
        """Make what the statement needs beforehand, where that is missing."""
        if "time_bucket" in statement.functions:
            await self.prepare_for(statement)

    async def inside(
        self,
        level: Level,
        operation: str,
        expires: float,
        work: Callable[[Connection], Awaitable[T]],
    ) -> T:
        """Return ``work(connection)`` on the connection of a transaction, when it is its turn."""
        connection = session_of(level).connection

        async def send() -> T:
            connection.at_work = True

            try:
                return await work(connection)
            except InfrastructureError as exc:
                self.look_at(exc)

                # By its class it may be one that was found before execution.
                if connection.has_failed:
                    level.failed = level.failed or exc

                raise
            finally:
                connection.at_work = False

        return await level.root.run(level, expires, operation, send)

    async def outside(
        self, operation: str, expires: float, work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        """Return ``work(connection)`` on a connection that nobody else has.

        Once more on another where the first turns out to be dead before anything was done.
        """
        pool = self.pool
        connection = await pool.lease(expires, self.transactions.held(), operation)

        try:
            return await work(connection)
        except ConnectionError as exc:
            self.look_at(exc)

            if exc.outcome != "not_applied" or connection.is_open or exc.sqlstate is not None:
                raise
        finally:
            # One that is not clean is made so first.
            pool.release(connection)

        connection = await pool.lease(expires, self.transactions.held(), operation)

        try:
            return await work(connection)
        finally:
            pool.release(connection)

    def look_at(self, error: InfrastructureError) -> None:
        """Leave a server that takes no writes any more: another one does."""
        if error.sqlstate == "25006" and isinstance(error, ConnectionError):
            for each in (self._lanes, self._groups, self._pool):
                if each is not None:
                    each.evict()

    async def is_reached(self, expires: float) -> bool:
        """Return whether the server answers now."""
        level = self.transactions.current("is_connected")

        if level is not None:
            await level.root.take_turn(level, expires, "is_connected", with_inner=True)

            try:
                # One that was given up may be another's by now.
                if not level.root.gone:
                    return await _answers(session_of(level).connection, expires)
            finally:
                level.root.give_turn()

        pool = self.pool

        if pool.is_full:
            # All connections are in use, and none need be free soon.
            connection = await self._dialler.connection(lambda _wire: None, expires)
            connection.close("it was only to see")
            return True

        return await self.outside(
            "is_connected", expires, lambda connection: _answers(connection, expires)
        )


async def _answers(connection: Connection, expires: float) -> bool:
    """Return whether the server says anything; that a transaction is aborted will do."""
    with suppress(OperationError, ValidationError):
        await connection.simple("SELECT 1", expires, "is_connected", harmless=True)

    return True


async def _nothing(_statement: Statement) -> None:
    """Nothing is needed beforehand."""


def connections_of(level: Level) -> set[Connection]:
    """Return the connections of all transactions that whoever is in ``level`` holds."""
    found: set[Connection] = set()
    held: Level | None = level

    while held is not None:
        # Of one that has ended it is somebody else's by now.
        if not held.root.level.ended:
            found.add(session_of(held).connection)

        held = held.root.outer

    return found


def session_of(level: Level) -> PostgresSession:
    """Return the session of a level's transaction, which this engine has leased."""
    session = level.root.session
    assert isinstance(session, PostgresSession)
    return session
