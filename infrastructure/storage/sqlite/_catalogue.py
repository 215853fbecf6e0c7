"""Reads what a table is from SQLite's catalogue."""

from __future__ import annotations

import sqlite3

from ..._core.names import quote_identifier
from .._schema import TableSchema
from .ddl import read_table

__all__ = ["existing_table", "quote_any", "time_column_of", "time_index"]

_TIME_INDEX = "infrastructure_time"


def existing_table(con: sqlite3.Connection, table: str) -> TableSchema | None:
    """Return the schema of ``table``, or ``None`` where there is none of that name."""
    quoted = quote_identifier(table)
    info = con.execute(f"PRAGMA table_info({quoted})").fetchall()

    if not info:
        return None

    indexes = [
        (index, con.execute(f"PRAGMA index_info({quote_any(index[1])})").fetchall())
        for index in con.execute(f"PRAGMA index_list({quoted})").fetchall()
    ]
    return read_table(info, indexes, con.execute(f"PRAGMA foreign_key_list({quoted})").fetchall())


def time_index(table: str, time_column: str) -> str:
    """Return the name of the index by which a table is known as a hypertable."""
    return f"{_TIME_INDEX}:{table}:{time_column}"


def time_column_of(con: sqlite3.Connection, table: str) -> str | None:
    """Return the time column of a hypertable, ``None`` where it is an ordinary table."""
    prefix = time_index(table, "")

    for index in con.execute(f"PRAGMA index_list({quote_identifier(table)})").fetchall():
        if index[1].startswith(prefix):
            return str(index[1][len(prefix) :])

    return None


def quote_any(name: str) -> str:
    """Return a name of the catalogue in double quotes, however long it is."""
    return '"' + name.replace('"', '""') + '"'
