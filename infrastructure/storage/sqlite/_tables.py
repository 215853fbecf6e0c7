"""``create_table`` on SQLite: made where it is missing, compared where it is there."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ...interfaces.exceptions import OperationError
from .._blocks import TransactionBlock
from .._difference import difference
from .._levels import Level
from .._schema import TableSchema, parse_schema, parse_table_name
from ._catalogue import existing_table, time_column_of
from ._engine import Engine
from .ddl import comparable, render_create

__all__ = ["create_table", "own_transaction"]


async def create_table(engine: Engine, table_name: str, schema: dict[str, Any]) -> None:
    """Make the table, or see that it is there as it should be."""
    table = parse_table_name(table_name, schemas=False).name
    wanted = parse_schema(schema)
    text = render_create(table, wanted)
    work = partial(_create, table=table, wanted=wanted, text=text)

    async with own_transaction(engine, "create_table") as level:
        await engine.inside(level, work, f"create_table {table!r}")


@asynccontextmanager
async def own_transaction(engine: Engine, operation: str) -> AsyncIterator[Level]:
    """Run a change of the schema in a transaction of its own, or in a savepoint of the open one."""
    async with TransactionBlock(engine.transactions, lambda _operation: None):
        level = engine.transactions.current(operation)
        assert level is not None
        yield level


def _create(con: sqlite3.Connection, table: str, wanted: TableSchema, text: str) -> None:
    existing = existing_table(con, table)

    if existing is None:
        con.execute(text)
        return

    found = difference(comparable(wanted), existing, time_column=time_column_of(con, table))

    if found is not None:
        msg = f"create_table: the table {table!r} exists and is different: {found}; nothing was changed"
        raise OperationError(msg, sqlstate="42P07", outcome="not_applied", operation="create_table")
