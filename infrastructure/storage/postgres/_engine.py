"""Brings a statement to the connection it belongs on: a lane, the pool's, the transaction's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from psycopg.pq.abc import PGresult

from ..._core.deadline import expiry
from ..._core.tasks import Tasks
from ...interfaces._context import transactions
from ...interfaces.exceptions import (
    ConfigurationError,
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
from ._dial import Dialled, dial
from ._group import GroupLane, Write
from ._lane import Lane
from ._lanes import Lanes
from ._listen import Listener, ListeningConnection
from ._plans import Plan, Plans
from ._pool import Pool
from ._results import read_rows
from ._session import PostgresSession
from ._settings import Options
from ._statements import CANCELLED, STALE, run, run_alone
from ._wire import Wire

__all__ = ["Engine", "session_of"]

T = TypeVar("T")

# Connections of a parent process: nobody here may touch them.
_FOREIGN: list[Any] = []

_LARGE = 64 * 1024
"""Bytes of parameters from which on a statement would hold up others on a shared connection."""


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
        self.server: Dialled | None = None
        self._pool: Pool | None = None
        self._lanes: Lanes[Lane] | None = None
        self._groups: Lanes[GroupLane] | None = None
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
        size = options.max_connections
        # Two at least are for one user at a time: a transaction, and what is outside it.
        shared = min(max(0, size - 2), 2 + options.group_commit) if options.pipelining else 0
        groups = min(int(options.group_commit), shared)
        self._pool = Pool(
            self._dial_connection,
            size - shared,
            holders=lambda: "; ".join(map(str, self.transactions.roots)),
            own=lambda level: session_of(level).connection,
        )
        self._lanes = Lanes(self._dial_lane, shared - groups)
        self._listener = Listener(self._dial_listener)
        self._groups = Lanes(self._dial_group, groups)
        self.plans = Plans()
        self._pool.add(await self._dial_connection(self._pool.ended, expires))

    async def _dial(self, expires: float) -> Dialled:
        found = self.server = await dial(self.options, expires)
        return found

    async def _dial_connection(self, ended: Callable[[Wire], None], expires: float) -> Connection:
        found = await self._dial(expires)
        return Connection(
            found.pgconn,
            ended,
            names=self._names(found),
            pipelined=self.options.pipelining,
            pooled=found.pooled,
            read_write=self.options.read_write or found.in_recovery,
        )

    async def _dial_lane(self, ended: Callable[[Wire], None], expires: float) -> Lane:
        found = await self._dial(expires)
        return Lane(
            found.pgconn,
            ended,
            names=self._names(found),
            read_write=self.options.read_write or found.in_recovery,
        )

    async def _dial_listener(
        self, ended: Callable[[Wire], None], expires: float
    ) -> ListeningConnection:
        found = await dial(self.options.listen or self.options, expires)

        if found.pooled:
            found.pgconn.finish()
            msg = (
                "listen: the server is behind a pooler, where a LISTEN belongs to whoever comes "
                "next; give the server's own address by listen_url="
            )
            raise ConfigurationError(msg, operation="listen")

        return ListeningConnection(found.pgconn, ended, names=0)

    def _names(self, found: Dialled) -> int:
        # Behind a pooler the next statement may run on another server, which knows no name.
        named = not found.pooled and self.options.prepared == "auto"
        return self.options.statement_cache if named else 0

    async def _dial_group(self, ended: Callable[[Wire], None], expires: float) -> GroupLane:
        found = await self._dial(expires)
        return GroupLane(found.pgconn, ended, self._alone, names=self._names(found))

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

        self._tasks.stop()
        self._lanes = self._groups = self._listener = self._pool = None
        self.plans.clear()

    def abandon(self) -> None:
        """Forget what a parent process or a closed loop owns, without touching it."""
        self.transactions.forget()
        _FOREIGN.append((self._lanes, self._groups, self._listener, self._pool))
        self._lanes = self._groups = self._listener = self._pool = None
        self.plans.clear()

    async def _lease(self, expires: float, held: Level | None) -> PostgresSession:
        return PostgresSession(await self.pool.lease(expires, held, "begin"), self.pool)

    def take(
        self, query: str, params: Sequence[Any] | None
    ) -> tuple[Plan, Lane | GroupLane, asyncio.Future[PGresult]] | None:
        """Send a statement that is known to be fast; ``None``: not this way."""
        # Inside a transaction a statement needs a closer look.
        if type(query) is not str or transactions.get().get(self.transactions) is not None:
            return None

        plan = self.plans.fast.get(query)

        if plan is None or not plan.is_fast or self._lanes is None:
            return None

        if type(params) is not list or len(params) != plan.count:
            params = plan.check(params)

        try:
            values, formats = plan.parameters.encode(params)
        except ValidationError:
            # With other declared types it may be right: the long way finds out.
            return None

        lane: Lane | GroupLane | None = None

        if plan.groups and self._groups is not None:
            lane = self._groups.pick()

        if lane is None:
            lane = self._lanes.pick()

        if lane is None or sum(len(value) for value in values if value) > _LARGE:
            return None

        return plan, lane, lane.send(plan, values, formats, expiry(self.deadline))

    async def execute(self, query: str, params: Sequence[Any] | None) -> list[dict[str, Any]]:
        """Run one statement where it belongs."""
        found = self.take(query, params)

        if found is not None:
            plan, lane, answer = found

            try:
                result = await answer
            except InfrastructureError as exc:
                self.look_at(exc, lane)

                if exc.sqlstate in STALE:
                    # It was not run: the long way prepares it anew.
                    lane.forget(plan)
                    self.plans.forget(plan)
                elif exc.sqlstate != CANCELLED or not lane.cancels:
                    raise
            else:
                return [] if plan.rows is None else await read_rows(plan.rows, result)

        return await self._execute(query, params)

    async def _execute(self, query: str, params: Sequence[Any] | None) -> list[dict[str, Any]]:
        statement = parse_statement(query)
        level = self.transactions.current("execute")
        refuse(statement, in_transaction=level is not None)
        params = check_parameters(statement, params)

        if "time_bucket" in statement.functions:
            await self.prepare_for(statement)

        expires = expiry(self.deadline)

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

    async def inside(
        self,
        level: Level,
        operation: str,
        expires: float,
        work: Callable[[Connection], Awaitable[T]],
    ) -> T:
        """Return ``work(connection)`` on the connection of a transaction, when it is its turn."""
        connection = session_of(level).connection
        return await level.root.run(level, expires, operation, lambda: work(connection))

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
            self.look_at(exc, connection)

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

    def look_at(self, error: InfrastructureError, wire: Wire) -> None:
        """Leave a server that takes no writes any more: another one does."""
        if error.sqlstate == "25006" and isinstance(error, ConnectionError):
            wire.close(str(error))
            self.pool.evict()

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
            connection = await self._dial_connection(lambda _wire: None, expires)
            connection.close("it was only to see")
            return True

        connection = await pool.lease(expires, None, "is_connected")

        try:
            return await _answers(connection, expires)
        finally:
            pool.release(connection)


async def _answers(connection: Connection, expires: float) -> bool:
    """Return whether the server says anything; that a transaction is aborted will do."""
    try:
        await connection.simple("SELECT 1", expires, "is_connected", harmless=True)
    except (OperationError, ValidationError):
        return True

    return True


async def _nothing(_statement: Statement) -> None:
    """Nothing is needed beforehand."""


def session_of(level: Level) -> PostgresSession:
    """Return the session of a level's transaction, which this engine has leased."""
    session = level.root.session
    assert isinstance(session, PostgresSession)
    return session
