"""A connection that somebody has to himself: its prepared statements, its transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from psycopg.pq.abc import PGconn, PGresult

from ...interfaces.exceptions import ConnectionError, InfrastructureError, TimeoutError
from ._names import Names
from ._numbers import IDENTITY, NUMBER, NUMBER_AND_SERVER, Number, identity_of, number_of
from ._plans import Plan, Plans
from ._requests import Requests
from ._wire import Wire

__all__ = ["Connection"]

_BEFORE = "SAVEPOINT infrastructure_describe"
_AFTER = "RELEASE SAVEPOINT infrastructure_describe"
_BACK = "ROLLBACK TO SAVEPOINT infrastructure_describe; " + _AFTER


class Connection(Requests):
    """The requests that statements and transactions consist of.

    ``names``       how many prepared statements are kept here; with 0 none has a name.
    ``pipelined``   several messages may be sent before the first is answered.
    ``pooled``      a pooler stands between, whose connections are everybody's.
    ``read_write``  the server was chosen because it takes writes.
    """

    def __init__(
        self,
        pgconn: PGconn,
        ended: Callable[[Wire], None],
        *,
        names: int = 256,
        pipelined: bool = True,
        pooled: bool = False,
        read_write: bool = False,
    ) -> None:
        super().__init__(pgconn, ended, read_write=read_write)
        self.touched = False
        """Whether a statement left something in the session that the next user must not see."""
        self.at_work = False
        """Whether a call in a transaction has its turn here, perhaps between two of its requests."""
        self.number: Number | None = None
        """Of the open transaction, once it has changed something."""
        self.plans: Plans | None = None
        """Those of the open transaction alone, since it has changed what names mean."""
        self.changed_schema = False
        """Whether the open transaction has."""
        self.names = Names(names)
        self.pipelined = pipelined
        self.pooled = pooled
        # Empty where the server does not say; None while it was not asked.
        self._server: str | None = None

    @property
    def is_clean(self) -> bool:
        """Whether the next user may have it as it is."""
        usable = self.is_open and not (self.unanswered or self.touched or self.retired)
        return usable and not self.in_transaction

    async def begin_transaction(self, text: str, expires: float) -> None:
        """Begin; of one that changes something it may be asked later whether it was committed."""
        if self._server is None and self.pipelined:
            await self._identify(expires)

        await self.simple(text, expires, "begin_transaction", harmless=True)
        self.leave_transaction()

    def leave_transaction(self) -> None:
        """Forget what was known of the transaction before."""
        self.number = self.plans = None
        self.changed_schema = False

    async def _identify(self, expires: float) -> None:
        try:
            found = await self.simple(IDENTITY, expires, "begin_transaction", harmless=True)
        except (ConnectionError, TimeoutError):
            raise
        except InfrastructureError:
            # Not every server lets everybody ask.
            self._server = ""
        else:
            self._server = identity_of(found[-1])

    async def change(
        self, send: Callable[[], None], expires: float, tried: str, *, query: str = ""
    ) -> list[PGresult]:
        """Send a request that changes something; learn the number of its transaction with it."""
        if not (self._server and self.in_transaction and self.number is None):
            return await self.request(send, expires, tried, query=query)

        def both() -> None:
            send()
            # The next transaction behind a pooler may run on another server.
            self.pgconn.send_query_params(NUMBER_AND_SERVER if self.pooled else NUMBER, [])
            self.pgconn.pipeline_sync()

        *results, number = await self.request(both, expires, tried, query=query, pipeline=True)
        self.number = number_of(number, self._server)
        return results

    def change_scope(self) -> None:
        """Describe statements anew for the rest of the transaction: names mean something else."""
        if self.in_transaction:
            self.plans = Plans()

    async def run(
        self, plan: Plan, values: Sequence[bytes | None], formats: Sequence[int], expires: float
    ) -> PGresult:
        """Run a statement whose plan is known, prepared here at its second use."""
        pgconn = self.pgconn
        name = known = self.names.get(plan)

        # A plan of one transaction is not worth it.
        if name is None and self.plans is None and self.names.is_due(plan):
            name = await self._prepare_named(plan, expires)

        def send() -> None:
            if name is None:
                pgconn.send_query_params(
                    plan.sql, values, plan.oids, formats, result_format=plan.format
                )
            else:
                pgconn.send_query_prepared(name, values, formats, result_format=plan.format)

        ask = self.change if plan.changes else self.request
        result = (await ask(send, expires, plan.tried, query=plan.statement.text))[-1]

        if known is None:
            plan.look_at(result)

        return result

    async def _prepare_named(self, plan: Plan, expires: float) -> bytes:
        pgconn, names = self.pgconn, self.names
        name = names.make(plan)

        def close() -> None:
            pgconn.send_close_prepared(names.stale.pop())

        def prepare() -> None:
            pgconn.send_prepare(name, plan.sql, plan.oids)

        try:
            while names.stale:
                await self.request(close, expires, plan.tried, harmless=True)

            query = plan.statement.text
            await self.request(prepare, expires, plan.tried, query=query, harmless=True)
        except BaseException:
            names.forget(plan)
            raise

        return name

    async def describe(
        self, sql: bytes, oids: Sequence[int], expires: float, tried: str, *, kept: bool = False
    ) -> PGresult:
        """Return what the server says of a statement: its parameters and its columns.

        ``kept``: the open transaction goes on where the server finds something wrong.
        """
        try:
            return await self._describe(sql, oids, expires, tried, kept=kept)
        except InfrastructureError:
            if kept and not self.unanswered:
                await self.simple(_BACK, expires, tried, harmless=True)

            raise

    async def _describe(
        self, sql: bytes, oids: Sequence[int], expires: float, tried: str, *, kept: bool
    ) -> PGresult:
        pgconn, query = self.pgconn, sql.decode()
        # psycopg 3.2 takes a list only.
        steps: list[Callable[[], None]] = [
            lambda: pgconn.send_prepare(b"", sql, list(oids)),
            lambda: pgconn.send_describe_prepared(b""),
        ]

        if kept:
            before, after = _BEFORE.encode(), _AFTER.encode()
            steps.insert(0, lambda: pgconn.send_query_params(before, []))
            steps.append(lambda: pgconn.send_query_params(after, []))

        results: list[PGresult] = []

        if self.pipelined:
            # In one round trip; also because a pooler may give the second message to another server.
            def together() -> None:
                for step in steps:
                    step()

                pgconn.pipeline_sync()

            results = await self.request(
                together, expires, tried, query=query, pipeline=True, harmless=True
            )
        else:
            for step in steps:
                results += await self.request(step, expires, tried, query=query, harmless=True)

        return results[-2] if kept else results[-1]
