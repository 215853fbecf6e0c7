"""``create_hypertable`` on SQLite: the checks of TimescaleDB, and an index on the time column."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any

from ..._core.names import check_identifier, quote_identifier
from ...interfaces.exceptions import ValidationError
from .._schema import ColumnSpec, TableSchema, parse_table_name
from ._catalogue import existing_table, quote_any, time_index
from ._engine import Engine
from ._not_null import set_not_null
from ._tables import own_transaction

__all__ = ["create_hypertable"]

_TIME_TYPES = ("TIMESTAMPTZ", "TIMESTAMP", "DATE", "BIGINT", "INTEGER", "SMALLINT")


async def create_hypertable(engine: Engine, table_name: str, time_column: str) -> None:
    """Make the time column NOT NULL and index it, newest first; idempotent."""
    table = parse_table_name(table_name, schemas=False).name
    check_identifier(time_column, "column name")
    work = partial(_create, table=table, time_column=time_column)

    async with own_transaction(engine, "create_hypertable") as level:
        # The text of the schema is edited: the connection starts anew before its next use.
        await engine.inside(level, work, f"create_hypertable {table!r}", touches=True)


def _create(con: sqlite3.Connection, table: str, time_column: str) -> None:
    schema = existing_table(con, table)

    if schema is None:
        raise _refused(f"there is no table {table!r}", sqlstate="42P01")

    column = _time_column(schema, table, time_column)
    _check_keys(schema, table, time_column)
    quoted, time = quote_identifier(table), quote_identifier(time_column)

    if con.execute(f"SELECT 1 FROM {quoted} WHERE {time} IS NULL LIMIT 1").fetchall():  # noqa: S608 - quoted
        raise _refused(f"the column {time_column!r} of {table!r} holds NULL", sqlstate="23502")

    if column.nullable:
        set_not_null(con, table, time_column)

    index = quote_any(time_index(table, time_column))
    con.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {quoted} ({time} DESC)")


def _time_column(schema: TableSchema, table: str, time_column: str) -> ColumnSpec:
    column = schema.column(time_column)

    if column is None:
        names = ", ".join(known.name for known in schema.columns)
        raise _refused(
            f"the table {table!r} has no column {time_column!r}; there are: {names}",
            sqlstate="42703",
        )

    if column.type.name not in _TIME_TYPES or column.type.dimensions:
        raise _refused(
            f"the column {time_column!r} of {table!r} is {column.type}; a time column is one of "
            f"{', '.join(_TIME_TYPES)}",
            sqlstate="42804",
        )

    return column


def _check_keys(schema: TableSchema, table: str, time_column: str) -> None:
    for key in schema.unique_keys:
        if time_column not in key:
            # TimescaleDB's error TS103: it cannot see over its chunks whether a key is unique.
            raise _refused(
                f"the unique key ({', '.join(key)}) of {table!r} lacks the time column "
                f"{time_column!r} (TS103): every unique key of a hypertable contains it",
                sqlstate="TS103",
            )


def _refused(what: str, **fields: Any) -> ValidationError:
    return ValidationError(f"create_hypertable: {what}", operation="create_hypertable", **fields)
