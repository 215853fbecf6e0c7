"""What differs between the table that is wanted and the table that is there."""

from __future__ import annotations

from collections.abc import Iterator

from ._literals import Default
from ._schema import ColumnSpec, TableSchema

__all__ = ["difference"]


def difference(
    wanted: TableSchema, existing: TableSchema, *, time_column: str | None = None
) -> str | None:
    """Return what differs, for the text of an error; ``None`` where nothing does.

    A further column that is nullable or has a default is no difference, and neither is the
    NOT NULL of ``time_column``, which ``create_hypertable`` has set.
    """
    parts = [*_columns(wanted, existing, time_column), *_further(wanted, existing)]

    if wanted.primary_key != existing.primary_key:
        parts.append(f"primary key {_key(existing)}, wanted {_key(wanted)}")

    return "; ".join(parts) or None


def _columns(wanted: TableSchema, existing: TableSchema, time_column: str | None) -> Iterator[str]:
    for column in wanted.columns:
        there = existing.column(column.name)

        if there is None:
            yield f"column {column.name!r} is missing"
            continue

        for what, is_there, is_wanted in _facts(there, column):
            if is_there == is_wanted:
                continue

            if what == "null" and column.name == time_column and is_there == "NOT NULL":
                continue

            yield f"column {column.name!r} is {is_there}, wanted {is_wanted}"


def _facts(there: ColumnSpec, wanted: ColumnSpec) -> Iterator[tuple[str, object, object]]:
    """Give what is compared: what it is about, as it is, as it is wanted."""
    yield "type", _type(there), _type(wanted)
    yield "null", _null(there), _null(wanted)
    yield "unique", _unique(there), _unique(wanted)
    yield "default", _default(there.default), _default(wanted.default)
    yield "references", _references(there), _references(wanted)
    yield "identity", _identity(there), _identity(wanted)


def _type(column: ColumnSpec) -> str:
    # A type that the catalogue spells as ours is not always stored as ours.
    return str(column.type) if column.type.portable else f"{column.type} (not portable)"


def _null(column: ColumnSpec) -> str:
    return "nullable" if column.nullable else "NOT NULL"


def _unique(column: ColumnSpec) -> str:
    return "UNIQUE" if column.unique else "not UNIQUE"


def _identity(column: ColumnSpec) -> str:
    return "an identity" if column.identity else "no identity"


def _default(default: Default | None) -> str:
    if default is None:
        return "without a default"

    return f"DEFAULT {default.function or repr(default.value)}"


def _references(column: ColumnSpec) -> str:
    if column.references is None:
        return "without a reference"

    return f"REFERENCES {column.references.table}({column.references.column})"


def _key(schema: TableSchema) -> str:
    return f"({', '.join(schema.primary_key)})"


def _further(wanted: TableSchema, existing: TableSchema) -> Iterator[str]:
    for column in existing.columns:
        needed = not (column.nullable or column.default is not None or column.identity)

        if needed and wanted.column(column.name) is None:
            yield (
                f"a further column {column.name!r} is NOT NULL without a default, "
                "so no row of the wanted columns could be inserted"
            )
