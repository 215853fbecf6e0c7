"""The schema of a table: parsed from what ``create_table`` takes, compared with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._core.names import check_identifier, quote_identifier
from ..interfaces.exceptions import ValidationError
from ..interfaces.storage import Column
from ._cursor import Cursor
from ._literals import Default, default_of_value, read_default
from ._shown import shown
from ._types import INTEGER_TYPES, ColumnType, read_type, type_of_python

__all__ = [
    "ColumnSpec",
    "Reference",
    "TableName",
    "TableSchema",
    "parse_column",
    "parse_schema",
    "parse_table_name",
]


@dataclass(frozen=True, slots=True)
class TableName:
    """A table, perhaps in a schema."""

    schema: str | None
    name: str

    @property
    def quoted(self) -> str:
        """The name as it stands in SQL."""
        name = quote_identifier(self.name)
        return name if self.schema is None else f"{quote_identifier(self.schema)}.{name}"

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a foreign key points to."""

    table: TableName
    column: str


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column."""

    name: str
    type: ColumnType
    nullable: bool = True
    primary_key: bool = False
    unique: bool = False
    default: Default | None = None
    references: Reference | None = None
    identity: bool = False


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table in their order, and all its unique keys, the primary one first."""

    columns: tuple[ColumnSpec, ...]
    unique_keys: tuple[tuple[str, ...], ...] = ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key."""
        return tuple(column.name for column in self.columns if column.primary_key)

    def column(self, name: str) -> ColumnSpec | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)


def parse_table_name(name: Any, *, schemas: bool) -> TableName:
    """Return a checked table name; ``schema.table`` is two names where there are ``schemas``."""
    if isinstance(name, str) and schemas and "." in name:
        schema, _, table = name.partition(".")
        return TableName(
            check_identifier(schema, "schema name"), check_identifier(table, "table name")
        )

    return TableName(None, check_identifier(name, "table name"))


def parse_schema(schema: Any) -> TableSchema:
    """Return the checked schema of ``create_table``, or raise ``ValidationError``."""
    if not isinstance(schema, Mapping) or not schema:
        msg = f"a schema is a dict of at least one column name and its type, got {shown(schema)}"
        raise ValidationError(msg)

    columns = tuple(parse_column(name, spec) for name, spec in schema.items())
    identities = [column.name for column in columns if column.identity]

    if len(identities) > 1:
        msg = f"one column of a table is numbered by the database, not {', '.join(identities)}"
        raise ValidationError(msg)

    primary = tuple(column.name for column in columns if column.primary_key)
    single = tuple((column.name,) for column in columns if column.unique)
    return TableSchema(columns, (primary, *single) if primary else single)


def parse_column(name: Any, spec: Any) -> ColumnSpec:
    """Return a checked column of a type text, a Python type or a ``Column``."""
    check_identifier(name, "column name")

    try:
        if isinstance(spec, Column):
            column = _from_column(name, spec)
        elif isinstance(spec, str):
            column = _from_text(name, spec)
        else:
            column = _from_python(name, spec)

        return _checked(column)
    except ValidationError as exc:
        msg = f"column {name!r}: {exc.message}"
        raise ValidationError(msg) from exc


def _checked(column: ColumnSpec) -> ColumnSpec:
    """Return ``column`` with what its parts imply, or refuse what contradicts itself."""
    if column.identity:
        if column.type.name not in INTEGER_TYPES or column.type.dimensions:
            msg = f"an identity is of an integer type, not {column.type}"
            raise ValidationError(msg)

        if column.default is not None:
            msg = "an identity has no default beside"
            raise ValidationError(msg)

    implied = column.primary_key or column.identity
    # A primary key is unique already; a second index would only cost.
    return replace(
        column,
        nullable=column.nullable and not implied,
        unique=column.unique and not column.primary_key,
    )


def _from_python(name: str, spec: Any) -> ColumnSpec:
    found = type_of_python(spec)

    if found is None:
        msg = (
            "a type is a text such as 'BIGINT NOT NULL', a Column, or one of int, float, str, bool, "
            f"bytes, datetime, date, timedelta, Decimal, UUID, dict, list (or X | None), got {shown(spec)}"
        )
        raise ValidationError(msg)

    return ColumnSpec(name, found[0], nullable=found[1])


def _from_column(name: str, spec: Column) -> ColumnSpec:
    if isinstance(spec.type, str):
        cursor = Cursor(spec.type, "the type")
        column_type, serial = read_type(cursor)
        nullable = spec.nullable

        if not cursor.at_end:
            cursor.fail("the end: the other fields of Column say the rest")
    else:
        of_python = _from_python(name, spec.type)
        column_type, serial = of_python.type, False
        nullable = spec.nullable or of_python.nullable

    return ColumnSpec(
        name,
        column_type,
        nullable=nullable,
        primary_key=spec.primary_key,
        unique=spec.unique,
        default=default_of_value(spec.default, column_type),
        references=None if spec.references is None else _reference(spec.references),
        identity=spec.identity or serial,
    )


def _from_text(name: str, spec: str) -> ColumnSpec:
    cursor = Cursor(spec, "the type")
    column_type, serial = read_type(cursor)
    constraints: dict[str, Any] = {"identity": True} if serial else {}

    while not cursor.at_end:
        key, value = _constraint(cursor, column_type)

        if key in constraints and key != "identity":
            msg = f"the type {spec[:120]!r} says {key.replace('_', ' ').upper()} twice"
            raise ValidationError(msg)

        constraints[key] = value

    if constraints.get("nullable") and constraints.get("primary_key"):
        msg = f"the type {spec[:120]!r}: a primary key is never NULL"
        raise ValidationError(msg)

    return ColumnSpec(name, column_type, **constraints)


_MARKS: tuple[tuple[tuple[str, ...], str, bool], ...] = (
    (("NOT", "NULL"), "nullable", False),
    (("NULL",), "nullable", True),
    (("PRIMARY", "KEY"), "primary_key", True),
    (("UNIQUE",), "unique", True),
    (("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"), "identity", True),
    (("GENERATED", "ALWAYS", "AS", "IDENTITY"), "identity", True),
)


def _constraint(cursor: Cursor, column_type: ColumnType) -> tuple[str, Any]:
    """Read one constraint; return the field of ``ColumnSpec`` it sets, and to what."""
    for words, key, value in _MARKS:
        if cursor.accept(*words):
            return key, value

    if cursor.accept("DEFAULT"):
        return "default", read_default(cursor, column_type)

    if not cursor.accept("REFERENCES"):
        cursor.fail(
            "NOT NULL, NULL, PRIMARY KEY, UNIQUE, DEFAULT literal, REFERENCES table(column), "
            "GENERATED BY DEFAULT AS IDENTITY or the end"
        )

    return "references", _read_reference(cursor)


def _reference(text: str) -> Reference:
    cursor = Cursor(text, "the reference")
    reference = _read_reference(cursor)

    if not cursor.at_end:
        cursor.fail("its end after table(column)")

    return reference


def _read_reference(cursor: Cursor) -> Reference:
    first = check_identifier(cursor.identifier(), "table name")
    second = check_identifier(cursor.identifier(), "table name") if cursor.accept(".") else None
    cursor.expect("(")
    column = check_identifier(cursor.identifier(), "column name")
    cursor.expect(")")
    table = TableName(None, first) if second is None else TableName(first, second)
    return Reference(table, column)
