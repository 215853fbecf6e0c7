"""What TimescaleDB asks of a table before it can be a hypertable; the same checks without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..._core.names import check_identifier, quote_identifier
from ...interfaces.exceptions import ValidationError
from .._schema import TableName, parse_table_name
from .._shown import shown
from ._ask import Ask
from ._catalogue import Relation, column_types, seen_as, unique_keys
from ._intervals import Width, check_width

__all__ = ["Candidate", "Partitions", "Wanted", "check_arguments", "check_table", "refuse_nulls"]

_INTEGERS = frozenset({20, 21, 23})
# By OID: timestamp(3) is one of them, too.
_TIMES = frozenset({1082, 1114, 1184})
_SPELLED = "TIMESTAMPTZ, TIMESTAMP, DATE, BIGINT, INTEGER, SMALLINT"
_MOST_PARTITIONS = 32767


class Partitions(NamedTuple):
    """By which further column the rows of one time are spread, and over how many partitions."""

    column: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What ``create_hypertable`` was asked for."""

    name: TableName
    time_column: str
    chunk_interval: Width | None
    migrate_data: bool
    partitions: Partitions


@dataclass(frozen=True, slots=True)
class Candidate:
    """A table that can be the wanted hypertable, with what the catalogue says of it."""

    wanted: Wanted
    relation: Relation
    nullable: bool
    of_integers: bool

    @property
    def quoted(self) -> str:
        """The table as it stands in SQL."""
        return self.relation.name.quoted

    @property
    def time(self) -> str:
        """The time column as it stands in SQL."""
        return quote_identifier(self.wanted.time_column)


def check_arguments(
    table_name: Any,
    time_column: Any,
    chunk_interval: Any,
    migrate_data: Any,
    partitions: Partitions,
) -> Wanted:
    """Return the arguments, checked as far as they can be without a server."""
    width = None if chunk_interval is None else check_width(chunk_interval, "chunk_interval")
    column, number = partitions

    if column is not None:
        check_identifier(column, "column name")

    if (column is None) != (number is None):
        msg = "create_hypertable: partitioning_column and number_partitions go together"
        raise ValidationError(msg, operation="create_hypertable")

    if number is not None and (type(number) is not int or not 1 <= number <= _MOST_PARTITIONS):
        msg = f"number_partitions is an int of 1 to {_MOST_PARTITIONS}, got {shown(number)}"
        raise ValidationError(msg, operation="create_hypertable")

    return Wanted(
        name=parse_table_name(table_name, schemas=True),
        time_column=check_identifier(time_column, "column name"),
        chunk_interval=width,
        migrate_data=bool(migrate_data),
        partitions=partitions,
    )


async def check_table(ask: Ask, wanted: Wanted) -> Candidate:
    """Return what the catalogue says of the table, or refuse what cannot be a hypertable."""
    relation = await seen_as(ask, wanted.name)

    if relation is None:
        raise _refused(f"there is no table {str(wanted.name)!r}", "42P01")

    if relation.other is not None:
        raise _refused(f"{str(wanted.name)!r} is {relation.other}, not a table", "42809")

    types = await column_types(ask, relation.oid)
    oid, spelled, not_null = _column(types, wanted, wanted.time_column)

    if oid not in _INTEGERS | _TIMES:
        raise _refused(
            f"the column {wanted.time_column!r} of {str(wanted.name)!r} is {spelled}; a time column is "
            f"one of {_SPELLED}",
            "42804",
        )

    _check_width(wanted, of_integers=oid in _INTEGERS)

    if wanted.partitions.column is not None:
        _column(types, wanted, wanted.partitions.column)

    _check_keys(await unique_keys(ask, relation.oid), wanted)
    return Candidate(wanted, relation, not not_null, oid in _INTEGERS)


async def refuse_nulls(ask: Ask, table: Candidate) -> None:
    """Raise ``ValidationError`` where a row has no time."""
    query = f"SELECT 1 AS found FROM {table.quoted} WHERE {table.time} IS NULL LIMIT 1"  # noqa: S608

    if table.nullable and await ask(query, []):
        column, name = table.wanted.time_column, str(table.wanted.name)
        raise _refused(f"the column {column!r} of {name!r} holds NULL", "23502")


def _column(
    types: dict[str, tuple[int, str, bool]], wanted: Wanted, column: str
) -> tuple[int, str, bool]:
    if column in types:
        return types[column]

    raise _refused(
        f"the table {str(wanted.name)!r} has no column {column!r}; there are: {', '.join(types)}",
        "42703",
    )


def _check_width(wanted: Wanted, *, of_integers: bool) -> None:
    width = wanted.chunk_interval

    if width is not None and isinstance(width, int) != of_integers:
        fits = "an int, in the column's own unit" if of_integers else "a timedelta or a text"
        raise _refused(
            f"chunk_interval for the column {wanted.time_column!r} is {fits}, got {shown(width)}",
            "42804",
        )


def _check_keys(keys: tuple[tuple[str | None, ...], ...], wanted: Wanted) -> None:
    needed = [wanted.time_column, wanted.partitions.column]

    for key in keys:
        for column in needed:
            if column is not None and column not in key:
                # It cannot see over its chunks whether a key is unique.
                raise _refused(
                    f"the unique key ({', '.join(each or 'an expression' for each in key)}) of "
                    f"{str(wanted.name)!r} lacks the column {column!r} (TS103): every unique key of "
                    "a hypertable contains the columns that it is partitioned by",
                    "TS103",
                )


def _refused(what: str, sqlstate: str) -> ValidationError:
    msg = f"create_hypertable: {what}"
    return ValidationError(msg, sqlstate=sqlstate, operation="create_hypertable")
