"""The tables of SQLite: made from a schema, with checks where SQLite itself has none, and read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..._core.names import quote_identifier
from ...interfaces.exceptions import ValidationError
from .._schema import ColumnSpec, Reference, TableName, TableSchema
from .._types import INTEGER_TYPES, PORTABLE, ColumnType, parse_type
from ._checks import checks
from ._defaults import read_default, render_default

__all__ = ["column_type", "comparable", "read_table", "render_create"]

# First words of our own for what SQLite would store otherwise than it should: by its rules INT,
# CHAR, TEXT, BLOB, REAL in the name of a type decide how values are stored.
_DECLARED = {
    "SMALLINT": "SMALLINT",
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "REAL": "REAL",
    "DOUBLE PRECISION": "DOUBLE PRECISION",
    "NUMERIC": "DECIMAL_TEXT",
    "BOOLEAN": "BOOLEAN_INT",
    "TEXT": "TEXT",
    "VARCHAR": "VARCHAR",
    "BYTEA": "BYTEA_BLOB",
    "DATE": "DATE_TEXT",
    "TIMESTAMP": "TIMESTAMP_TEXT",
    "TIMESTAMPTZ": "TIMESTAMPTZ_TEXT",
    "INTERVAL": "INTERVAL_US",
    "UUID": "UUID_TEXT",
    "JSON": "JSON_TEXT",
    "JSONB": "JSONB_TEXT",
}
_OURS = {declared: name for name, declared in _DECLARED.items()}
# What a plain CREATE TABLE stores exactly as we do.
_SAME = frozenset({*INTEGER_TYPES, "REAL", "DOUBLE PRECISION", "TEXT", "VARCHAR"})
_ARGUMENTS = re.compile(r"([A-Z_]+(?: PRECISION)?)(?:\((\d{1,9})(?:,(\d{1,9}))?\))?")


def render_create(table: str, schema: TableSchema) -> str:
    """Return the CREATE TABLE of a schema, or raise ``ValidationError`` where SQLite has no such."""
    _refuse(schema)
    lines = [_column(column, schema) for column in schema.columns]
    primary = schema.primary_key

    if len(primary) > 1:
        lines.append(f"PRIMARY KEY ({', '.join(map(quote_identifier, primary))})")

    body = ",\n  ".join(lines)
    return f"CREATE TABLE {quote_identifier(table)} (\n  {body}\n)"


def comparable(schema: TableSchema) -> TableSchema:
    """Return a wanted schema as SQLite can give it back: an identity has always 64 bits."""
    return replace(
        schema,
        columns=tuple(
            replace(column, type=ColumnType("BIGINT")) if column.identity else column
            for column in schema.columns
        ),
    )


def column_type(declared: str) -> ColumnType | None:
    """Return the type of a column that is declared so; ``None`` where it can hold anything.

    It is not ``portable`` where a plain CREATE TABLE stores it otherwise than ours.
    """
    # The row's own number has 64 bits, and is declared exactly so.
    return ColumnType("BIGINT") if declared.upper() == "INTEGER" else _declared_type(declared)


def _declared_type(declared: str) -> ColumnType | None:
    match = _ARGUMENTS.fullmatch(declared.upper())

    if match is not None and match[1] in _OURS:
        arguments = tuple(int(text) for text in match.groups()[1:] if text)
        return ColumnType(_OURS[match[1]], arguments)

    try:
        found = parse_type(declared)
    except ValidationError:
        return None

    return found if found.name in _SAME else replace(found, portable=False)


def read_table(
    table_info: Sequence[Sequence[Any]],
    indexes: Sequence[tuple[Sequence[Any], Sequence[Sequence[Any]]]],
    foreign_keys: Sequence[Sequence[Any]],
) -> TableSchema:
    """Return the schema of a table that exists.

    ``table_info`` and ``foreign_keys`` are the rows of PRAGMA table_info and foreign_key_list;
    ``indexes`` those of index_list, each with its rows of index_info.
    """
    keys = [
        (str(index[3]), tuple(row[2] for row in columns))
        for index, columns in indexes
        if index[2] and not index[4]
    ]
    single = {columns[0] for origin, columns in keys if origin == "u" and len(columns) == 1}
    references = _read_references(foreign_keys)
    primary = tuple(row[1] for row in sorted(table_info, key=lambda row: int(row[5])) if row[5])
    columns = tuple(_read_column(row, primary, single, references) for row in table_info)
    unique = {primary: None} if primary else {}
    unique |= {names: None for _, names in keys if None not in names}
    return TableSchema(columns, tuple(unique))


def _refuse(schema: TableSchema) -> None:
    # SQLite's names have no case within ASCII, quoted or not.
    lowered = [column.name.lower() for column in schema.columns]

    for column in schema.columns:
        if lowered.count(column.name.lower()) > 1:
            msg = f"SQLite cannot tell the column {column.name!r} from another that differs in case"
            raise ValidationError(msg)

        if not column.type.portable:
            msg = (
                f"column {column.name!r}: SQLite has no type {column.type}; "
                f"the portable ones are {', '.join(PORTABLE)}"
            )
            raise ValidationError(msg)

        if column.identity and schema.primary_key != (column.name,):
            msg = (
                f"column {column.name!r}: SQLite numbers a column only where it alone is the "
                "primary key: write PRIMARY KEY after it"
            )
            raise ValidationError(msg)

        if column.references is not None and column.references.table.schema is not None:
            msg = f"column {column.name!r}: SQLite has no schemas: {column.references.table}"
            raise ValidationError(msg)


def _column(column: ColumnSpec, schema: TableSchema) -> str:
    parts = [quote_identifier(column.name), *_type_and_key(column, schema)]

    if column.default is not None:
        parts.append(f"DEFAULT {render_default(column.type, column.default)}")

    parts += checks(column)

    if column.references is not None:
        table, target = column.references.table, column.references.column
        parts.append(f"REFERENCES {table.quoted} ({quote_identifier(target)})")

    return " ".join(parts)


def _type_and_key(column: ColumnSpec, schema: TableSchema) -> Iterator[str]:
    if column.identity:
        # Exactly INTEGER: only so is it the row's own number.
        yield "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"
        return

    arguments = ",".join(map(str, column.type.arguments))
    yield _DECLARED[column.type.name] + (f"({arguments})" if arguments else "")

    if column.type.name == "NUMERIC":
        yield "COLLATE infrastructure_decimal"

    if schema.primary_key == (column.name,):
        yield "PRIMARY KEY"

    if not column.nullable:
        yield "NOT NULL"

    if column.unique:
        yield "UNIQUE"


def _read_column(
    row: Sequence[Any],
    primary: tuple[str, ...],
    unique: set[str],
    references: dict[str, Reference],
) -> ColumnSpec:
    _, name, declared, not_null, default, position = row
    # What SQLite calls a row's own number: it numbers by itself, with AUTOINCREMENT or without.
    identity = primary == (name,) and str(declared).upper() == "INTEGER"
    found = _declared_type(str(declared)) or ColumnType(str(declared) or "ANY", portable=False)
    return ColumnSpec(
        name,
        ColumnType("BIGINT") if identity else found,
        nullable=not (not_null or identity),
        primary_key=bool(position),
        unique=name in unique,
        default=None if default is None else read_default(str(default), found),
        references=references.get(name),
        identity=identity,
    )


def _read_references(foreign_keys: Sequence[Sequence[Any]]) -> dict[str, Reference]:
    """Return the foreign keys of one column."""
    sizes: dict[int, int] = {}

    for row in foreign_keys:
        sizes[row[0]] = sizes.get(row[0], 0) + 1

    return {
        row[3]: Reference(TableName(None, row[2]), row[4] or "")
        for row in foreign_keys
        if sizes[row[0]] == 1
    }
