"""The storage on PostgreSQL and TimescaleDB."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Any, List, Optional, Union

from ..._core.deadline import expiry
from ..._core.names import check_identifier
from ...interfaces.exceptions import InfrastructureError
from .._statement import Statement
from .._transactional import TransactionalStorage
from ._atomic import atomic_of
from ._buckets import ensure_time_bucket
from ._bulk import Bulk, bulk_mode
from ._engine import Engine
from ._hypertables import create_hypertable
from ._settings import DEFAULTS, options_of
from ._stream import stream
from ._tables import create_table
from .errors import called
from .notifications import Notifications
from .timescale import TimescaleStorage

__all__ = ["PostgresStorage"]

_ROUND_TRIP = 1.0
"""Seconds within which the server must answer to count as reached."""


class PostgresStorage(TransactionalStorage, TimescaleStorage):
    """A storage on PostgreSQL 14 or newer, with or without TimescaleDB.

    ``url``           ``postgresql://user:password@host:port,host:port/database?option=value``.
    ``deadline``      seconds for a call where no ``deadline`` block is open.
    ``max_connections``  to the server, all together; ``listen`` has one more.
    ``pipelining``    short statements of many tasks share two of the connections and do not wait
                      for each other's answers; ``False``: one connection a statement.
    ``group_commit``  single writes of many tasks become durable together, by one commit.
    ``bulk``          ``"auto"``: ``execute_many`` copies where a copy means the same; ``"copy"``:
                      it copies or raises ``ValidationError``; ``"values"``: it never copies.
    ``hypertables``   ``"require"``: TimescaleDB must be there for them; ``"index"``: else an index
                      on the time, and a ``time_bucket`` of ours.
    ``settings``      of the server, for every connection: ``{"search_path": "app"}``.
    ``listen_url``    where ``listen`` connects, if not there: a pooler cannot.
    ``statement_cache``  prepared statements that each connection keeps.
    ``prepared``      ``"off"``: none has a name, for poolers that are not noticed.
    ``application_name``  as the server shows it.
    ``target_session_attrs``  which of several hosts: libpq's words; ``"read-write"`` if there are
                      several, else ``"any"``.
    ``sslmode``, ``sslrootcert``, ``sslcert``, ``sslkey``, ``channel_binding``  libpq's; a host that
                      is not local is verified (``verify-full``) unless they say otherwise.
    """

    _default_deadline = 30.0

    def __init__(
        self,
        url: str,
        *,
        deadline: Union[float, str, None] = None,
        max_connections: Union[int, str] = 10,
        pipelining: Union[bool, str] = True,
        group_commit: Union[bool, str] = False,
        bulk: str = "auto",
        hypertables: str = "require",
        settings: Optional[Mapping[str, Union[str, int, float, bool]]] = None,
        listen_url: Optional[str] = None,
        statement_cache: Union[int, str] = 256,
        prepared: str = "auto",
        application_name: Optional[str] = "infrastructure",
        target_session_attrs: Optional[str] = None,
        sslmode: Optional[str] = None,
        sslrootcert: Optional[str] = None,
        sslcert: Optional[str] = None,
        sslkey: Optional[str] = None,
        channel_binding: Optional[str] = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name in DEFAULTS}
        self._options = options_of(url, given)
        super().__init__(deadline=self._options.deadline)
        self._engine = Engine(self._options, self._deadline, self._describe)
        self._transactions = self._engine.transactions
        self._atomic = atomic_of(self._engine)
        self._bulk = Bulk(self._engine)
        self._has_buckets = False

        if self._options.hypertables == "index":
            self._engine.prepare_for = self._make_buckets

    def _describe(self) -> str:
        return f"PostgresStorage {self._options.where}"

    async def _open(self) -> None:
        self._has_buckets = False
        # connect() has the deadline.
        await self._engine.open(expiry(self._deadline))

    async def _close(self) -> None:
        await self._engine.close()

    def _abort(self) -> None:
        self._engine.abort()

    def _abandon(self) -> None:
        self._engine.abandon()

    async def _make_buckets(self, _statement: Statement) -> None:
        """Make ``time_bucket`` where the server has none; once, but for what a rollback may undo."""
        if not self._has_buckets:
            await ensure_time_bucket(self._atomic)
            self._has_buckets = self._transactions.current("time_bucket") is None

    async def is_connected(self) -> bool:
        """Return whether the server answers now."""
        try:
            self._check("is_connected")
            return await self._engine.is_reached(time.monotonic() + _ROUND_TRIP)
        except Exception:  # noqa: BLE001 - it never raises: whatever is wrong, the answer is no
            return False

    async def execute(self, query: str, params: Optional[List[Any]] = None) -> List[Any]:
        """Run one statement; return its rows as ``dict``."""
        self._check("execute")

        try:
            return await self._engine.execute(query, params)
        except InfrastructureError as exc:
            exc.operation = "execute"
            raise

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        """Create a table, or see that it is there as it should be."""
        self._check("create_table")
        await create_table(self._atomic, table_name, schema)

    async def create_hypertable(
        self,
        table_name: str,
        time_column: str,
        *,
        chunk_interval: Union[timedelta, str, int, None] = None,
        migrate_data: bool = True,
        partitioning_column: Optional[str] = None,
        number_partitions: Optional[int] = None,
    ) -> None:
        """Turn a table into a hypertable, or index its time column where the storage says so."""
        self._check("create_hypertable")
        await create_hypertable(
            self._atomic,
            table_name,
            time_column,
            mode=self._options.hypertables,
            chunk_interval=chunk_interval,
            migrate_data=migrate_data,
            partitioning_column=partitioning_column,
            number_partitions=number_partitions,
        )

    async def execute_many(
        self, query: str, params_list: List[List[Any]], *, bulk: Optional[str] = None
    ) -> None:
        """Run one statement for every row of parameters, all or nothing."""
        self._check("execute_many")
        mode = self._options.bulk if bulk is None else bulk_mode(bulk)
        await self._bulk.execute_many(query, params_list, mode)

    async def stream(
        self, query: str, params: Optional[List[Any]] = None, batch_size: int = 1000
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Give the rows of a query as they come."""
        self._check("stream")

        with called("stream"):
            async with aclosing(stream(self._engine, query, params, batch_size)) as batches:
                async for batch in batches:
                    for row in batch:
                        yield row

    def listen(self, channel: str) -> Notifications:
        """Return the notifications of a channel: ``async for note in storage.listen("jobs"):``.

        It has a connection of its own, which all channels share, beyond ``max_connections``, and
        goes on over reconnects: a notification with ``missed`` says that some may be lost.
        Behind a pooler in transaction mode it needs ``listen_url=``, else ``ConfigurationError``.
        """
        name = check_identifier(channel, "channel")

        async def join(reader: Notifications) -> None:
            self._check("listen")
            await self._engine.listener.join(reader)

        def leave(reader: Notifications) -> None:
            if self._live is not None:
                self._engine.listener.leave(reader)

        return Notifications(name, join, leave)
