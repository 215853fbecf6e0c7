"""The column types: which are portable, how they are spelled, and what Python type stands for which."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from ..interfaces.exceptions import ValidationError
from ._cursor import Cursor
from ._tokens import TokenKind

__all__ = [
    "INTEGER_TYPES",
    "PORTABLE",
    "TIME_TYPES",
    "ColumnType",
    "parse_type",
    "read_type",
    "type_of_python",
]

INTEGER_TYPES: Mapping[str, int] = {"SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
"""The integer types and their bits."""

TIME_TYPES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMPTZ"})
"""What a hypertable can be partitioned by, beside the integers."""

PORTABLE = (
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "REAL",
    "DOUBLE PRECISION",
    "NUMERIC(p,s)",
    "BOOLEAN",
    "TEXT",
    "VARCHAR(n)",
    "BYTEA",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "INTERVAL",
    "UUID",
    "JSON",
    "JSONB",
    "SERIAL",
    "BIGSERIAL",
)
"""The types that every backend has, as they are shown in errors."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A column's type in its one spelling.

    ``name``       a portable name in upper case, else PostgreSQL's as it was parsed.
    ``arguments``  of ``NUMERIC(12,4)``, ``VARCHAR(20)``, ``geometry(Point,4326)``.
    ``dimensions`` how many times ``[]`` follows.
    ``portable``   whether every backend has it.
    """

    name: str
    arguments: tuple[int | str, ...] = ()
    dimensions: int = 0
    portable: bool = True

    def __str__(self) -> str:
        arguments = ",".join(map(str, self.arguments))
        return self.name + (f"({arguments})" if arguments else "") + "[]" * self.dimensions


# The longest spelling first: DOUBLE alone is no type.
_SPELLINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("TIMESTAMP", "WITHOUT", "TIME", "ZONE"), "TIMESTAMP"),
    (("TIMESTAMP", "WITH", "TIME", "ZONE"), "TIMESTAMPTZ"),
    (("DOUBLE", "PRECISION"), "DOUBLE PRECISION"),
    (("CHARACTER", "VARYING"), "VARCHAR"),
)
_ALIASES = {
    "INT2": "SMALLINT",
    "INT": "INTEGER",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "FLOAT4": "REAL",
    "FLOAT8": "DOUBLE PRECISION",
    "FLOAT": "DOUBLE PRECISION",
    "DECIMAL": "NUMERIC",
    "BOOL": "BOOLEAN",
}
_SERIALS = {"SMALLSERIAL": "SMALLINT", "SERIAL": "INTEGER", "BIGSERIAL": "BIGINT"}
_SINGLE = frozenset({"SMALLINT", "INTEGER", "BIGINT", "REAL", "NUMERIC", "BOOLEAN", "TEXT"}) | {
    *("VARCHAR", "BYTEA", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "UUID", "JSON", "JSONB")
}
_PYTHON: Mapping[Any, str] = {
    int: "BIGINT",
    float: "DOUBLE PRECISION",
    str: "TEXT",
    bool: "BOOLEAN",
    bytes: "BYTEA",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
    timedelta: "INTERVAL",
    Decimal: "NUMERIC",
    UUID: "UUID",
    dict: "JSONB",
    list: "JSONB",
}
_LONGEST_VARCHAR = 10_485_760
_MOST_DIGITS = 1000


def parse_type(text: str) -> ColumnType:
    """Return the type that ``text`` is and nothing else, or raise ``ValidationError``."""
    cursor = Cursor(text, "the type")
    column_type, identity = read_type(cursor)

    if identity or not cursor.at_end:
        cursor.fail("a type and nothing else")

    return column_type


def read_type(cursor: Cursor) -> tuple[ColumnType, bool]:
    """Read a type, and whether its spelling (``SERIAL``) makes the column an identity."""
    word = cursor.keyword

    if word in _SERIALS:
        cursor.take()
        return ColumnType(_SERIALS[word]), True

    column_type = _portable(cursor) or _other(cursor)
    dimensions = 0

    while cursor.accept("[", "]"):
        dimensions += 1

    if dimensions:
        column_type = replace(column_type, dimensions=dimensions, portable=False)

    return column_type, False


def type_of_python(spec: Any) -> tuple[ColumnType, bool] | None:
    """Return the type for a Python type and whether it is nullable (``X | None``)."""
    nullable = False

    if get_origin(spec) in (Union, types.UnionType):
        members = [member for member in get_args(spec) if member is not type(None)]
        nullable = len(members) < len(get_args(spec))
        spec = members[0] if len(members) == 1 else None

    # list[int] and dict[str, Any] are what they hold to a type checker only.
    name = _PYTHON.get(get_origin(spec) or spec) if spec is not None else None
    return None if name is None else (ColumnType(name), nullable)


def _portable(cursor: Cursor) -> ColumnType | None:
    for words, name in _SPELLINGS:
        if cursor.accept(*words):
            return _with_arguments(name, cursor)

    name = _ALIASES.get(cursor.keyword, cursor.keyword)

    if name not in _SINGLE and name != "DOUBLE PRECISION":
        return None

    cursor.take()
    return _with_arguments(name, cursor)


def _with_arguments(name: str, cursor: Cursor) -> ColumnType:
    if name == "VARCHAR":
        return _varchar(cursor)

    if name == "NUMERIC" and cursor.accept("("):
        return _numeric(cursor)

    return ColumnType(name)


def _varchar(cursor: Cursor) -> ColumnType:
    # Without a length it is PostgreSQL's other spelling of TEXT.
    if not cursor.accept("("):
        return ColumnType("TEXT")

    length = cursor.integer()
    cursor.expect(")")

    if not 1 <= length <= _LONGEST_VARCHAR:
        msg = f"VARCHAR takes a length of 1 to {_LONGEST_VARCHAR}, got {length}"
        raise ValidationError(msg)

    return ColumnType("VARCHAR", (length,))


def _numeric(cursor: Cursor) -> ColumnType:
    precision = cursor.integer()
    scale = cursor.integer() if cursor.accept(",") else 0
    cursor.expect(")")

    if not (1 <= precision <= _MOST_DIGITS and scale <= precision):
        msg = (
            f"NUMERIC takes a precision of 1 to {_MOST_DIGITS} and a scale of 0 to the precision, "
            f"got ({precision},{scale})"
        )
        raise ValidationError(msg)

    return ColumnType("NUMERIC", (precision, scale))


def _other(cursor: Cursor) -> ColumnType:
    """Read ``name[(ints or words)]``, PostgreSQL's: the server decides whether it exists."""
    name = _type_name(cursor)

    if cursor.accept("."):
        name += "." + _type_name(cursor)

    arguments: list[int | str] = []

    if cursor.accept("("):
        arguments.append(_argument(cursor))

        while cursor.accept(","):
            arguments.append(_argument(cursor))

        cursor.expect(")")

    return ColumnType(name, tuple(arguments), portable=False)


def _type_name(cursor: Cursor) -> str:
    token = cursor.token

    if token is None or token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        cursor.fail("a type")

    cursor.take()
    # In quotes it is as it was written; a word cannot be anything else than a word.
    return token.text if token.kind is TokenKind.QUOTED else token.text.lower()


def _argument(cursor: Cursor) -> int | str:
    token = cursor.token

    if token is not None and token.kind is TokenKind.WORD:
        return cursor.take().text

    return cursor.integer()
