"""A storage of somebody else's, on DuckDB, by public names alone; duckdb_harness.py proves it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import duckdb

from infrastructure import backends as kit
from infrastructure.interfaces import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    ValidationError,
)

CODES = {"Duplicate key": "23505", "NOT NULL": "23502", "CHECK": "23514", "foreign key": "23503"}
CODES |= {"not exist": "42P01", "already exists": "42P07", "Binder": "42703", "Parser": "42601"}


def refused(cls: type[InfrastructureError], tried: str, exc: BaseException) -> InfrastructureError:
    """Return our error for DuckDB's, whose classes are coarse and whose texts tell more."""
    code = next((code for text, code in CODES.items() if text in str(exc)), None)
    return cls(f"{tried}: {exc}", sqlstate=code, outcome="not_applied")


ERRORS: kit.ErrorMap = {
    duckdb.Error: partial(refused, OperationError),
    duckdb.IntegrityError: partial(refused, IntegrityError),
    duckdb.TransactionException: partial(refused, ConflictError),
    duckdb.IOException: partial(refused, ConnectionError),
    duckdb.InterruptException: partial(refused, ConnectionError),  # disconnect() came between
}


class DuckDBStorage(kit.BlockingStorage[duckdb.DuckDBPyConnection]):
    """A DuckDB file. Each transaction has a connection: nobody else sees its rows."""

    def __init__(self, path: str, *, deadline: float | None = None) -> None:
        connect = partial(duckdb.connect, path)
        super().__init__(connect, ERRORS, savepoints=False, deadline=deadline)

    async def execute(self, query: str, params: list[Any] | None = None) -> list[Any]:
        """Run one statement; return its rows."""
        self._check("execute")
        statement = kit.parse_statement(query)
        kit.refuse(statement, in_transaction=self._in_transaction("execute"))
        kit.refuse_returned_twins(statement)
        values = kit.check_parameters(statement, params)

        def work(con: duckdb.DuckDBPyConnection) -> list[Any]:
            rows = con.execute(statement.text, values).fetchall()

            if not statement.gives_rows:
                return []

            names = kit.result_names(statement, [column[0] for column in con.description])
            return [dict(zip(names, row, strict=True)) for row in rows]

        return await self._run("execute", work, touches_session=statement.touches_session)

    async def execute_many(self, query: str, params_list: Iterable[Sequence[Any]]) -> None:
        """Run one statement for every row of parameters, all or nothing."""
        self._check("execute_many")
        statement = kit.parse_statement(query)

        if statement.has_returning:
            raise ValidationError("execute_many: the rows of RETURNING would be lost; use execute")

        # All are looked at before the first is sent: DuckDB could not undo half of them.
        rows = [kit.check_parameters(statement, row, n) for n, row in enumerate(params_list)]

        if rows and not self._in_transaction("execute_many"):
            async with self.transaction():
                await self.execute_many(query, rows)
        elif rows:
            await self._run("execute_many", lambda con: con.executemany(statement.text, rows))

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        """Create a table, unless there is one of that name."""
        self._check("create_table")
        table, columns = kit.parse_table_name(table_name, schemas=False), kit.parse_schema(schema)
        await self.execute(kit.render_table(table, columns, types={"JSONB": "JSON"}))

    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        """Refuse: DuckDB has none; its row groups are skipped by time as it is."""
        self._check("create_hypertable")
        raise ConfigurationError(f"{table_name}: DuckDB has no hypertables, and needs none")
