"""``create_table`` on PostgreSQL: made where it is missing, compared where it is there."""

from __future__ import annotations

from typing import Any

from ...interfaces.exceptions import ConfigurationError, InfrastructureError, OperationError
from .._difference import difference
from .._render import render_table
from .._schema import TableName, TableSchema, parse_schema, parse_table_name
from ._ask import Ask, Atomic
from ._catalogue import existing_table, made_as
from ._defaults import render_literal
from ._matching import comparable, told_as
from ._timescale import time_column_of

__all__ = ["create_table"]

# Of two that make one table at a time the slower one is told so by one of these, when the other
# has committed: the name of the table, or that of its type, or the index of the types' names.
_RACES = ("42P07", "42710", "23505")
_TRIES = 5


async def create_table(atomic: Atomic, table_name: str, schema: dict[str, Any]) -> None:
    """Make the table, or see that it is there as it should be."""
    table = parse_table_name(table_name, schemas=True)
    wanted = parse_schema(schema)
    text = render_table(table, wanted, literal=render_literal, if_missing=False)
    found = await _made_or_compared(atomic, table, wanted, text)

    if found is not None:
        msg = f"create_table: the table {str(table)!r} exists and is different: {found}; nothing was changed"
        raise OperationError(msg, sqlstate="42P07", outcome="not_applied", operation="create_table")


async def _made_or_compared(
    atomic: Atomic, table: TableName, wanted: TableSchema, text: str
) -> str | None:
    """Return what differs; ``None`` where nothing does, or where it was made now."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with atomic("create_table") as ask:
                return await _make_or_compare(ask, table, wanted, text)
        except InfrastructureError as exc:
            if exc.sqlstate == "42501":
                raise _forbidden(table, exc) from exc

            if exc.sqlstate not in _RACES or attempt == _TRIES:
                raise

    return None


async def _make_or_compare(
    ask: Ask, table: TableName, wanted: TableSchema, text: str
) -> str | None:
    relation = await made_as(ask, table)

    if relation is None:
        await ask(text, [])
        return None

    if relation.other is not None:
        return f"it is {relation.other}"

    existing = await told_as(ask, wanted, await existing_table(ask, relation.oid))
    target = comparable(wanted)

    # Whether it is a hypertable matters only where something differs.
    if difference(target, existing) is None:
        return None

    return difference(target, existing, time_column=await time_column_of(ask, relation))


def _forbidden(table: TableName, exc: InfrastructureError) -> ConfigurationError:
    where = (
        f'the schema "{table.schema}"' if table.schema else "the first schema of the search path"
    )
    msg = (
        f"create_table: this role may not make the table {str(table)!r}: {exc.message}. An "
        f"administrator grants it by GRANT CREATE ON SCHEMA (on {where}), and GRANT REFERENCES "
        "on the tables that it points to"
    )
    return ConfigurationError(msg, sqlstate="42501", operation="create_table")
