"""How the rows of a compressed chunk are grouped and ordered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._core.names import check_identifier, quote_identifier
from ...interfaces.exceptions import ValidationError
from .._cursor import Cursor
from .._shown import shown
from .._types import ColumnType
from ._ask import Ask
from ._catalogue import Relation
from ._defaults import render_literal

__all__ = ["Ordered", "compress", "parse_order", "parse_segments"]


class Ordered(NamedTuple):
    """A column by which rows are ordered."""

    column: str
    ascending: bool
    nulls_first: bool

    @property
    def sql(self) -> str:
        """It as it stands in SQL."""
        direction = "ASC" if self.ascending else "DESC"
        return (
            f"{quote_identifier(self.column)} {direction} "
            f"NULLS {'FIRST' if self.nulls_first else 'LAST'}"
        )


_ENABLED = """
SELECT compression_enabled AS enabled FROM timescaledb_information.hypertables
WHERE hypertable_schema = $1::text AND hypertable_name = $2::text"""

_SETTINGS = """
SELECT attname::text AS name, segmentby_column_index AS segment, orderby_column_index AS place,
  orderby_asc AS ascending, orderby_nullsfirst AS nulls_first
FROM timescaledb_information.compression_settings
WHERE hypertable_schema = $1::text AND hypertable_name = $2::text
ORDER BY segmentby_column_index, orderby_column_index"""


def parse_segments(columns: Any) -> tuple[str, ...]:
    """Return the names of columns."""
    return tuple(check_identifier(name, "column name") for name in _several(columns, "segment_by"))


def parse_order(columns: Any) -> tuple[Ordered, ...]:
    """Return columns, each a text as after ORDER BY: ``'time DESC NULLS LAST'``."""
    return tuple(_ordered(text) for text in _several(columns, "order_by"))


def _several(columns: Any, what: str) -> Sequence[Any]:
    if isinstance(columns, str):
        return (columns,)

    if isinstance(columns, (list, tuple)):
        return columns

    msg = f"{what} is a str or a list of str, got {shown(columns)}"
    raise ValidationError(msg)


def _ordered(text: Any) -> Ordered:
    if not isinstance(text, str):
        msg = f"order_by is a str or a list of str, got {shown(text)}"
        raise ValidationError(msg)

    cursor = Cursor(text, "order_by")
    column = check_identifier(cursor.identifier(), "column name")
    descending = cursor.accept("DESC")

    if not descending:
        cursor.accept("ASC")

    # As ORDER BY has it: NULL is larger than every value.
    first = cursor.accept("NULLS", "FIRST") or (descending and not cursor.accept("NULLS", "LAST"))

    if not first:
        cursor.accept("NULLS", "LAST")

    if not cursor.at_end:
        cursor.fail("a column, ASC or DESC, NULLS FIRST or NULLS LAST, and its end")

    return Ordered(column, not descending, first)


async def compress(
    ask: Ask, relation: Relation, segments: tuple[str, ...], order: tuple[Ordered, ...]
) -> None:
    """Enable the compression of a hypertable, or change it where something else is wanted."""
    names = [relation.name.schema, relation.name.name]
    rows = await ask(_ENABLED, names)

    if rows and rows[0]["enabled"] and await _is_so(ask, names, segments, order):
        return

    options = ["timescaledb.compress"]

    if segments:
        options.append(_option("segmentby", ", ".join(map(quote_identifier, segments))))

    if order:
        options.append(_option("orderby", ", ".join(each.sql for each in order)))

    await ask(f"ALTER TABLE {relation.name.quoted} SET ({', '.join(options)})", [])


async def _is_so(
    ask: Ask, names: list[Any], segments: tuple[str, ...], order: tuple[Ordered, ...]
) -> bool:
    """Return whether what is given is what is there."""
    rows = await ask(_SETTINGS, names)
    there = tuple(row["name"] for row in rows if row["segment"] is not None)
    ordered = tuple(
        Ordered(row["name"], row["ascending"], row["nulls_first"])
        for row in rows
        if row["place"] is not None
    )
    return segments in ((), there) and order in ((), ordered)


def _option(name: str, text: str) -> str:
    return f"timescaledb.compress_{name} = {render_literal(text, ColumnType('TEXT'))}"
