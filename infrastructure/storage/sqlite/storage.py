"""The storage on SQLite: a file, or a private temporary database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, List, Optional, Union

from ..._core.deadline import Limit, expiry
from ..._core.tasks import logger
from .._transactional import TransactionalStorage
from ._bulk import execute_many
from ._engine import Engine
from ._hypertables import create_hypertable
from ._settings import Settings, options_of
from ._stream import stream
from ._tables import create_table
from .errors import sqlite_error

__all__ = ["SQLiteStorage"]

_ROUND_TRIP = 1.0
"""Seconds that ``is_connected`` takes at most (CONTRACT, S1)."""


class SQLiteStorage(TransactionalStorage):
    """A storage in a SQLite file.

    A process that is forked while it is connected cannot open its file: disconnect before.

    ``url``           ``sqlite:///relative.db``, ``sqlite:////absolute.db``, or ``sqlite://`` for
                      a temporary database that ``disconnect`` removes.
    ``deadline``      seconds for a call where no ``deadline`` block is open.
    ``read_only``     open an existing file and refuse every write.
    ``inline_reads``  run short reads on the event loop itself, within a budget of some hundred
                      microseconds; ``False`` sends every read to a thread.
    ``pragmas``       SQLite's settings for every connection: ``{"synchronous": "FULL"}``.
    """

    _default_deadline = 30.0

    def __init__(
        self,
        url: str = "sqlite://",
        *,
        deadline: Union[float, str, None] = None,
        read_only: Union[bool, str] = False,
        inline_reads: Union[bool, str] = True,
        pragmas: Optional[Mapping[str, Union[str, int]]] = None,
    ) -> None:
        given = {"deadline": deadline, "read_only": read_only, "inline_reads": inline_reads}
        self._options = options_of(url, given, pragmas or {})
        super().__init__(deadline=self._options.deadline)
        self._engine = Engine(self._deadline, self._describe)
        self._transactions = self._engine.transactions

    def _describe(self) -> str:
        return f"SQLiteStorage {self._options.path or '(temporary)'}"

    async def _open(self) -> None:
        options, path = self._options, self._options.path
        farewell: Callable[[], object] = partial(logger.debug, "%s is closed", self._describe())

        if path is None:
            folder = Path(tempfile.mkdtemp(prefix="infrastructure-"))
            path = folder / "database.db"
            # By the writer's thread, when its connection is closed: it may be opening it still.
            farewell = partial(shutil.rmtree, folder, ignore_errors=True)

        # Absolute: the folder that it is relative to may be another one when a reader is opened.
        settings = Settings(
            path=path.absolute(), read_only=options.read_only, pragmas=options.pragmas
        )

        try:
            await self._engine.open(settings, inline_reads=options.inline_reads, farewell=farewell)
        except sqlite3.Error as exc:
            raise sqlite_error(exc, f"connect to the SQLite file {path}") from exc

    async def _close(self) -> None:
        await self._engine.close()

    def _abort(self) -> None:
        self._engine.abort()

    def _abandon(self) -> None:
        self._engine.abandon(forked=self._pid != os.getpid())

    async def is_connected(self) -> bool:
        """Return whether a statement would reach the database now."""
        try:
            self._check("is_connected")

            async with Limit("is_connected", expires=min(expiry(None), monotonic() + _ROUND_TRIP)):
                return await self._engine.readers.here.is_reached()
        except Exception:  # noqa: BLE001 - it never raises: whatever is wrong, the answer is no
            return False

    async def execute(self, query: str, params: Optional[List[Any]] = None) -> List[Any]:
        """Run one statement; return its rows as ``dict``."""
        self._check("execute")
        found = self._engine.take(query, params)
        return found if type(found) is list else await self._engine.execute(query, params, found)

    async def execute_many(self, query: str, params_list: List[List[Any]]) -> None:
        """Run one statement for every row of parameters, all or nothing."""
        self._check("execute_many")
        await execute_many(self._engine, query, params_list)

    async def stream(
        self, query: str, params: Optional[List[Any]] = None, batch_size: int = 1000
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Give the rows of a query as they come."""
        self._check("stream")

        async with aclosing(stream(self._engine, query, params, batch_size)) as batches:
            async for batch in batches:
                for row in batch:
                    yield row

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        """Create a table, or see that it is there as it should be."""
        self._check("create_table")
        await create_table(self._engine, table_name, schema)

    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        """Index a table by its time column: what SQLite has of a hypertable."""
        self._check("create_hypertable")
        await create_hypertable(self._engine, table_name, time_column)
