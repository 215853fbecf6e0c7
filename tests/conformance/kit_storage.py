"""A storage on ``sqlite3`` made of the kit for blocking drivers, as an outsider would write it."""

from __future__ import annotations

import sqlite3
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from infrastructure import backends as kit
from infrastructure.conformance import StorageHarness
from infrastructure.interfaces import OperationError, ValidationError
from infrastructure.storage.sqlite.ddl import render_create
from infrastructure.storage.sqlite.errors import sqlite_error
from infrastructure.storage.sqlite.functions import register_functions

ERRORS: kit.ErrorMap = {sqlite3.Error: lambda tried, exc: sqlite_error(exc, tried)}


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that may be interrupted from another thread."""
    con = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=2)
    register_functions(con)
    return con


class KitStorage(kit.BlockingStorage[sqlite3.Connection]):
    """The four methods that are left to write."""

    def __init__(self, path: Path, *, deadline: float | None = None) -> None:
        super().__init__(partial(connect, path), ERRORS, deadline=deadline)

    async def execute(self, query: str, params: list[Any] | None = None) -> list[Any]:
        self._check("execute")
        statement = kit.parse_statement(query, dialect="sqlite")
        kit.refuse(statement, in_transaction=self._in_transaction("execute"))
        kit.refuse_returned_twins(statement)
        values = kit.check_parameters(statement, params)

        def work(con: sqlite3.Connection) -> list[Any]:
            cursor = con.execute(statement.sqlite_text, values)
            names = kit.result_names(statement, [one[0] for one in cursor.description or ()])
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return await self._run("execute", work, touches_session=statement.touches_session)

    async def execute_many(self, query: str, params_list: Any) -> None:
        self._check("execute_many")
        statement = kit.parse_statement(query, dialect="sqlite")

        if statement.has_returning:
            msg = "execute_many gives no rows"
            raise ValidationError(msg)

        rows = [kit.check_parameters(statement, row, n) for n, row in enumerate(params_list)]

        if rows and not self._in_transaction("execute_many"):
            async with self.transaction():
                await self.execute_many(query, rows)
        elif rows:
            await self._run(
                "execute_many", lambda con: con.executemany(statement.sqlite_text, rows)
            )

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        self._check("create_table")
        name = kit.parse_table_name(table_name, schemas=False).name
        text = render_create(name, kit.parse_schema(schema))
        await self.execute(text.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))

    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        self._check("create_hypertable")
        raise OperationError(table_name)


class KitHarness(StorageHarness):
    """A file of its own for each check."""

    level = "core"
    features = (
        *("blocks", "cancellation", "deadlines", "detached", "driver_errors", "isolation"),
        *("joined_tasks", "lifecycle", "loop_owner", "savepoints", "session_commands"),
        *("statement_control", "transactional_ddl"),
    )

    async def open(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kit-")
        con = connect(Path(self._folder.name, "check.db"))
        # Once, and by nobody else: the change wants the file for itself, and waits for no lock.
        con.execute("PRAGMA journal_mode = WAL")
        con.close()

    def make(self, **options: Any) -> KitStorage:
        return KitStorage(Path(self._folder.name, "check.db"), **options)

    async def close(self) -> None:
        self._folder.cleanup()
