"""The CHECK constraints of a column, named so that a failed one tells which error it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..._core.names import quote_identifier
from .._schema import ColumnSpec
from .._types import ColumnType

__all__ = ["CHECK_PREFIX", "checks"]

CHECK_PREFIX = "infrastructure"
"""Begins the name of each constraint: ``infrastructure:type:column``."""

Conditions = Mapping[str, str]

_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_TIME = "T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]"
# The largest single-precision number, and what rounds to it.
_SINGLE = "3.4028235677973366e38"


def checks(column: ColumnSpec) -> Iterator[str]:
    """Give the constraints of a column; NULL passes all of them."""
    name = quote_identifier(column.name)

    for what, condition in _CONDITIONS[column.type.name](name, column.type).items():
        constraint = f"{CHECK_PREFIX}:{what}:{column.name}".replace('"', '""')
        yield f'CONSTRAINT "{constraint}" CHECK ({condition})'


def _stored(name: str, storage: str) -> str:
    return f"typeof({name}) IN ('{storage}', 'null')"


def _text(name: str, condition: str) -> str:
    # A blob would pass a condition on its text.
    return f"{name} IS NULL OR (typeof({name}) = 'text' AND {condition})"


def _smallint(name: str, _: ColumnType) -> Conditions:
    return {
        "type": _stored(name, "integer"),
        "range": f"{name} BETWEEN -32768 AND 32767",
    }


def _integer(name: str, _: ColumnType) -> Conditions:
    return {
        "type": _stored(name, "integer"),
        "range": f"{name} BETWEEN -2147483648 AND 2147483647",
    }


def _bigint(name: str, _: ColumnType) -> Conditions:
    return {"type": _stored(name, "integer")}


def _real(name: str, _: ColumnType) -> Conditions:
    return {
        "type": _stored(name, "real"),
        "range": f"abs({name}) < {_SINGLE} OR abs({name}) = 9e999",
    }


def _double(name: str, _: ColumnType) -> Conditions:
    return {"type": _stored(name, "real")}


def _numeric(name: str, column_type: ColumnType) -> Conditions:
    # BINARY: the column's own collation is ours, a call of Python for each comparison.
    special = f"{name} COLLATE BINARY IN ('NaN', 'Infinity', '-Infinity')"
    digits = f"{name} GLOB '*[0-9]*' AND {name} NOT GLOB '*[^-0-9.]*' AND {name} NOT GLOB '?*-*'"
    conditions = {"type": _text(name, f"({digits} OR {special})")}

    if not column_type.arguments:
        return conditions

    precision, scale = (int(argument) for argument in column_type.arguments)
    whole = f"ltrim(substr({name}, 1, instr({name} || '.', '.') - 1), '-0')"
    fraction = f"rtrim(substr({name}, instr({name} || '.', '.') + 1), '0')"
    # PostgreSQL allows NaN in it, and no infinity.
    not_a_number = f"{name} COLLATE BINARY = 'NaN'"
    return {
        **conditions,
        "range": f"length({whole}) <= {precision - scale} OR {not_a_number}",
        "scale": f"length({fraction}) <= {scale} OR {not_a_number}",
    }


def _boolean(name: str, _: ColumnType) -> Conditions:
    return {"type": f"{name} IN (0, 1)"}


def _plain_text(name: str, _: ColumnType) -> Conditions:
    return {"type": _stored(name, "text")}


def _varchar(name: str, column_type: ColumnType) -> Conditions:
    return {
        "type": _stored(name, "text"),
        "length": f"length({name}) <= {column_type.arguments[0]}",
    }


def _bytea(name: str, _: ColumnType) -> Conditions:
    return {"type": _stored(name, "blob")}


def _date(name: str, _: ColumnType) -> Conditions:
    return {"type": _text(name, f"{name} GLOB '{_DAY}'")}


def _timestamp(name: str, _: ColumnType) -> Conditions:
    return {"type": _text(name, f"{name} GLOB '{_DAY}{_TIME}'")}


def _timestamptz(name: str, _: ColumnType) -> Conditions:
    return {"type": _text(name, f"{name} GLOB '{_DAY}{_TIME}+00:00'")}


def _uuid(name: str, _: ColumnType) -> Conditions:
    return {"type": _text(name, f"length({name}) = 36 AND {name} NOT GLOB '*[^-0-9a-f]*'")}


def _json(name: str, _: ColumnType) -> Conditions:
    return {"type": _text(name, f"json_valid({name})")}


_CONDITIONS: Mapping[str, Callable[[str, ColumnType], Conditions]] = {
    "SMALLINT": _smallint,
    "INTEGER": _integer,
    "BIGINT": _bigint,
    "REAL": _real,
    "DOUBLE PRECISION": _double,
    "NUMERIC": _numeric,
    "BOOLEAN": _boolean,
    "TEXT": _plain_text,
    "VARCHAR": _varchar,
    "BYTEA": _bytea,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "TIMESTAMPTZ": _timestamptz,
    "INTERVAL": _bigint,
    "UUID": _uuid,
    "JSON": _json,
    "JSONB": _json,
}
