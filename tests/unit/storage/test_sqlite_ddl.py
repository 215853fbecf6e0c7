"""The tables of SQLite: made, checked and read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from infrastructure.interfaces import Column, InfrastructureError, ValidationError
from infrastructure.storage._difference import difference
from infrastructure.storage._schema import TableSchema, parse_schema
from infrastructure.storage._types import ColumnType
from infrastructure.storage.sqlite.ddl import column_type, comparable, read_table, render_create
from infrastructure.storage.sqlite.errors import sqlite_error
from infrastructure.storage.sqlite.functions import register_functions


@pytest.fixture
def con() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    register_functions(connection)
    yield connection
    connection.close()


def create(con: sqlite3.Connection, schema: dict[str, Any]) -> TableSchema:
    wanted = parse_schema(schema)
    con.execute(render_create("t", wanted))
    return wanted


def existing(con: sqlite3.Connection) -> TableSchema:
    indexes = [
        (row, con.execute(f'PRAGMA index_info("{row[1]}")').fetchall())
        for row in con.execute("PRAGMA index_list(t)").fetchall()
    ]
    return read_table(
        con.execute("PRAGMA table_info(t)").fetchall(),
        indexes,
        con.execute("PRAGMA foreign_key_list(t)").fetchall(),
    )


EVERYTHING: dict[str, Any] = {
    "id": "BIGSERIAL PRIMARY KEY",
    "small": "SMALLINT NOT NULL DEFAULT -5",
    "int": "INTEGER UNIQUE",
    "real": "REAL DEFAULT 0.1",
    "double": Column(float, default=float("inf")),
    "numeric": "NUMERIC(12,4) DEFAULT 1.10",
    "exact": "NUMERIC UNIQUE",
    "flag": "BOOLEAN DEFAULT TRUE",
    "text": "TEXT DEFAULT 'it''s'",
    "short": "VARCHAR(3)",
    "bytes": Column(bytes, default=b"\x00'"),
    "day": Column(date, default="now()"),
    "naive": "TIMESTAMP DEFAULT now()",
    "aware": "TIMESTAMPTZ DEFAULT '2024-01-01T00:00Z'",
    "now": "TIMESTAMPTZ DEFAULT now()",
    "span": Column(timedelta, default=timedelta(days=-1, microseconds=3)),
    "uuid": "UUID DEFAULT gen_random_uuid()",
    "json": "JSON DEFAULT '{\"a\": [1, null]}'",
    "jsonb": Column(list, default=["'"]),
    'نام "کاربر"': "TEXT REFERENCES other(id)",
}


def test_a_table_is_read_back_as_it_was_made(con) -> None:
    """Types, defaults, keys, references: there is no difference."""
    wanted = create(con, EVERYTHING)
    assert difference(comparable(wanted), existing(con)) is None


def test_a_composite_key_is_read_back(con) -> None:
    """In the order of its columns; a created unique index is a key too."""
    wanted = create(con, {"b": "INTEGER PRIMARY KEY", "a": "TEXT PRIMARY KEY", "c": "INT"})
    con.execute("CREATE UNIQUE INDEX i ON t (c, a)")
    con.execute("CREATE UNIQUE INDEX j ON t (c) WHERE c > 0")
    found = existing(con)
    assert difference(wanted, found) is None
    assert found.unique_keys == (("b", "a"), ("c", "a"))


def test_a_default_that_is_an_expression_is_shown(con) -> None:
    """It is no literal, and so differs from every one."""
    con.execute("CREATE TABLE t (a TEXT DEFAULT (lower('A')), b BIGINT DEFAULT 5)")
    wanted = parse_schema({"a": "TEXT DEFAULT 'a'", "b": "BIGINT DEFAULT 5"})
    assert "lower" in str(difference(wanted, existing(con)))


def test_a_primary_key_does_not_number_by_itself(con) -> None:
    """SQLite's INTEGER PRIMARY KEY would."""
    create(con, {"id": "INTEGER PRIMARY KEY", "a": "TEXT"})

    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        con.execute("INSERT INTO t (a) VALUES ('x')")


def test_an_identity_numbers_by_itself(con) -> None:
    """And never gives a number twice."""
    create(con, {"id": "SERIAL PRIMARY KEY", "a": "TEXT"})
    con.execute("INSERT INTO t (a) VALUES ('x'), ('y')")
    con.execute("DELETE FROM t")
    con.execute("INSERT INTO t (a) VALUES ('z')")
    assert con.execute("SELECT id FROM t").fetchall() == [(3,)]


@pytest.mark.parametrize(
    ("declared", "stored", "error", "sqlstate"),
    [
        ("SMALLINT", "x", "ValidationError", "42804"),
        ("SMALLINT", 1.5, "ValidationError", "42804"),
        ("SMALLINT", 32768, "OperationError", "22003"),
        ("INTEGER", 2**31, "OperationError", "22003"),
        ("BIGINT", 2.0**64, "ValidationError", "42804"),
        ("REAL", 1e39, "OperationError", "22003"),
        ("DOUBLE PRECISION", "x", "ValidationError", "42804"),
        ("NUMERIC(4,2)", "100", "OperationError", "22003"),
        ("NUMERIC(4,2)", "1.001", "ValidationError", "42804"),
        ("NUMERIC", "1e5", "ValidationError", "42804"),
        ("NUMERIC", "1-2", "ValidationError", "42804"),
        ("NUMERIC", "-", "ValidationError", "42804"),
        ("BOOLEAN", 2, "ValidationError", "42804"),
        ("TEXT", b"x", "ValidationError", "42804"),
        ("VARCHAR(2)", "abc", "OperationError", "22001"),
        ("BYTEA", "x", "ValidationError", "42804"),
        ("DATE", "2024-1-1", "ValidationError", "42804"),
        ("TIMESTAMP", "2024-01-01 00:00:00", "ValidationError", "42804"),
        ("TIMESTAMPTZ", "2024-01-01T00:00:00.000000", "ValidationError", "42804"),
        ("INTERVAL", "1 day", "ValidationError", "42804"),
        ("UUID", "x", "ValidationError", "42804"),
        ("JSON", "{", "ValidationError", "42804"),
        ("JSONB", b"1", "ValidationError", "42804"),
    ],
)
def test_a_column_checks_what_no_encoder_has_seen(con, declared, stored, error, sqlstate) -> None:
    """The failed constraint tells which error it is."""
    create(con, {"c": declared})
    con.execute("INSERT INTO t VALUES (NULL)")

    with pytest.raises(sqlite3.IntegrityError) as raised:
        con.execute("INSERT INTO t SELECT ?", (stored,))

    ours: InfrastructureError = sqlite_error(raised.value, "insert")
    assert (type(ours).__name__, ours.sqlstate) == (error, sqlstate)
    assert "'c'" in ours.message


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("SMALLINT", -32768),
        ("INTEGER", 2**31 - 1),
        ("BIGINT", -(2**63)),
        ("REAL", float("-inf")),
        ("REAL", 3.4028234663852886e38),
        ("DOUBLE PRECISION", float("inf")),
        ("NUMERIC(4,2)", "-99.99"),
        ("NUMERIC(4,2)", "NaN"),
        ("NUMERIC(2,2)", "0.99"),
        ("NUMERIC", "-Infinity"),
        ("VARCHAR(2)", "سل"),
        ("JSON", "null"),
    ],
)
def test_a_column_takes_its_extremes(con, declared, stored) -> None:
    """What the type holds passes the checks."""
    create(con, {"c": declared})
    con.execute("INSERT INTO t VALUES (?)", (stored,))
    assert con.execute("SELECT c FROM t").fetchall() == [(stored,)]


@pytest.mark.parametrize(
    ("schema", "match"),
    [
        ({"a": "vector(3)"}, "BIGINT"),
        ({"a": "TEXT[]"}, "JSONB"),
        ({"a": "INT", "A": "INT"}, "case"),
        ({"a": "SERIAL"}, "PRIMARY KEY"),
        ({"a": "SERIAL PRIMARY KEY", "b": "INT PRIMARY KEY"}, "primary key"),
        ({"a": "INT REFERENCES s.t(a)"}, "schemas"),
    ],
)
def test_what_sqlite_has_not_is_refused(schema, match) -> None:
    """Before anything is made, and with what to write instead."""
    with pytest.raises(ValidationError, match=match):
        render_create("t", parse_schema(schema))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("DECIMAL_TEXT(12,4)", ColumnType("NUMERIC", (12, 4))),
        ("decimal_text", ColumnType("NUMERIC")),
        ("INTEGER", ColumnType("BIGINT")),
        ("INT", ColumnType("INTEGER")),
        ("VARCHAR(3)", ColumnType("VARCHAR", (3,))),
        ("TIMESTAMPTZ", ColumnType("TIMESTAMPTZ", portable=False)),
        ("NUMERIC(4,2)", ColumnType("NUMERIC", (4, 2), portable=False)),
        ("", None),
        ("what ever (", None),
    ],
)
def test_the_type_of_a_declaration_is_known(declared, expected) -> None:
    """One that a plain CREATE TABLE stores otherwise than ours is not portable."""
    assert column_type(declared) == expected
