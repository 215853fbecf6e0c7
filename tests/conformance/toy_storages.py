"""A minimal storage that keeps the core promises, and some that break one each."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from infrastructure.conformance._harness import StorageHarness
from infrastructure.interfaces import (
    ConnectionError,
    IntegrityError,
    StorageInterface,
    TransactionError,
    ValidationError,
)
from infrastructure.storage._outputs import outputs
from infrastructure.storage._parameters import check_parameters
from infrastructure.storage._refusals import refuse
from infrastructure.storage._schema import parse_schema, parse_table_name
from infrastructure.storage._statement import parse_statement
from infrastructure.storage.sqlite.ddl import render_create
from infrastructure.storage.sqlite.errors import sqlite_error
from infrastructure.storage.sqlite.functions import register_functions


class MinimalStorage(StorageInterface):
    """The abstract methods and nothing else: no call of ``super().__init__`` either."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.con: sqlite3.Connection | None = None
        self.failed: Exception | None = None

    async def connect(self) -> None:
        if self.con is None:
            self.con = sqlite3.connect(self.path, isolation_level=None)
            # What is asked of it outlives no crash: it need not wait for the disk, row by row.
            self.con.execute("PRAGMA synchronous = OFF")
            self.failed = None
            register_functions(self.con)

    async def disconnect(self) -> None:
        if self.con is not None:
            self.con.close()
            self.con = None

    async def is_connected(self) -> bool:
        return self.con is not None

    async def execute(self, query: str, params: list[Any] | None = None) -> list[Any]:
        con = self.connected("execute")
        statement = parse_statement(query, dialect="sqlite")
        refuse(statement, in_transaction=con.in_transaction)
        values = check_parameters(statement, params)

        with self.undone_when_failed("execute"):
            cursor = con.execute(statement.sqlite_text, tuple(values))
            rows = cursor.fetchall()
            names = outputs(statement.text).names([one[0] for one in cursor.description or ()])
            self.check_names(names)
            return [dict(zip(names, row, strict=True)) for row in rows]

    async def execute_many(self, query: str, params_list: Iterable[list[Any]]) -> None:
        con = self.connected("execute_many")
        statement = parse_statement(query, dialect="sqlite")

        if statement.has_returning:
            msg = "execute_many gives no rows: use execute for RETURNING"
            raise ValidationError(msg)

        with self.undone_when_failed("execute_many"):
            for index, params in enumerate(params_list):
                values = check_parameters(statement, params, index)
                con.execute(statement.sqlite_text, tuple(values))

    async def begin_transaction(self) -> None:
        self.connected("begin_transaction").execute("BEGIN IMMEDIATE")

    async def commit(self) -> None:
        con = self.in_transaction("commit")
        failed, self.failed = self.failed, None

        if failed is not None:
            con.execute("ROLLBACK")
            msg = "commit: the transaction had failed and was rolled back"
            raise TransactionError(msg) from failed

        con.execute("COMMIT")

    async def rollback(self) -> None:
        self.in_transaction("rollback").execute("ROLLBACK")
        self.failed = None

    async def create_table(self, table_name: str, schema: dict[str, Any]) -> None:
        con = self.connected("create_table")
        name = parse_table_name(table_name, schemas=False).name
        text = render_create(name, parse_schema(schema))
        con.execute(text.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))

    async def create_hypertable(self, table_name: str, time_column: str) -> None:
        self.connected("create_hypertable")

    def connected(self, operation: str) -> sqlite3.Connection:
        if self.con is None:
            msg = f"{operation}: the storage is not connected; call connect() first"
            raise ConnectionError(msg, outcome="not_applied")

        return self.con

    def in_transaction(self, operation: str) -> sqlite3.Connection:
        con = self.connected(operation)

        if not con.in_transaction:
            msg = f"{operation}: no transaction is open"
            raise TransactionError(msg)

        return con

    def check_names(self, names: list[str]) -> None:
        if len(set(names)) < len(names):
            msg = f"two columns of one name: {names}; write count(n) AS count_2"
            raise ValidationError(msg)

    @contextlib.contextmanager
    def undone_when_failed(self, operation: str) -> Iterator[None]:
        con = self.connected(operation)

        if self.failed is not None:
            msg = f"{operation}: the transaction has failed; roll it back"
            raise TransactionError(msg, sqlstate="25P02")

        inside = con.in_transaction
        con.execute("SAVEPOINT step")

        try:
            yield
        except BaseException as exc:
            con.execute("ROLLBACK TO step")
            con.execute("RELEASE step")

            if not isinstance(exc, sqlite3.Error):
                raise

            error = sqlite_error(exc, operation)
            self.failed = error if inside else None
            raise error from exc

        con.execute("RELEASE step")


class RollbackDoesNothing(MinimalStorage):
    """Commits every statement at once, and says yes to begin, commit and rollback."""

    begun = False

    async def begin_transaction(self) -> None:
        self.connected("begin_transaction")
        self.begun = True

    async def commit(self) -> None:
        await self.rollback()

    async def rollback(self) -> None:
        self.connected("commit or rollback")

        if not self.begun:
            msg = "no transaction is open"
            raise TransactionError(msg)

        self.begun = False


class WritesRowByRow(MinimalStorage):
    """Its execute_many is a loop over execute."""

    async def execute_many(self, query: str, params_list: Iterable[list[Any]]) -> None:
        self.connected("execute_many")

        if parse_statement(query, dialect="sqlite").has_returning:
            msg = "execute_many gives no rows"
            raise ValidationError(msg)

        for index, params in enumerate(params_list):
            try:
                await self.execute(query, params)
            except (ValidationError, IntegrityError) as exc:
                exc.row_index = index
                raise


class SwapsPlaceholders(MinimalStorage):
    """Hands ``$2, $1`` to SQLite as it is, which numbers them by their first appearance."""

    async def execute(self, query: str, params: list[Any] | None = None) -> list[Any]:
        statement = parse_statement(query, dialect="sqlite")
        values = check_parameters(statement, params)

        if statement.parameters > 1:
            with self.undone_when_failed("execute"):
                cursor = self.connected("execute").execute(statement.text, tuple(values))
                names = [one[0] for one in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return await super().execute(query, params)


class ToyHarness(StorageHarness):
    """Makes one kind of toy; all instances of a harness share a file."""

    level = "core"
    kind: type[MinimalStorage] = MinimalStorage

    def __init__(self, folder: Path) -> None:
        self.path = folder / "toy.db"

    def make(self, **options: Any) -> MinimalStorage:
        return self.kind(self.path, **options)


class TypedHarness(ToyHarness):
    """The minimal storage, with the claim that it keeps types: it does not."""

    features = ("typed_values",)
