"""Reads what a table is from PostgreSQL's catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...interfaces.exceptions import ValidationError
from .._literals import Default
from .._schema import ColumnSpec, Reference, TableName, TableSchema
from .._types import ColumnType, parse_type
from ._ask import Ask, Row

__all__ = [
    "Existing",
    "Relation",
    "column_types",
    "existing_table",
    "made_as",
    "seen_as",
    "unique_keys",
]

_TABLES = frozenset("rpf")
_KINDS = {
    "v": "a view",
    "m": "a materialized view",
    "i": "an index",
    "I": "an index",
    "S": "a sequence",
    "c": "a composite type",
    "t": "a TOAST table",
}

_RELATION = """
SELECT c.oid::bigint AS oid, c.relkind::text AS kind,
  n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE """

# A serial column is one whose default takes from a sequence that is dropped with it.
_COLUMNS = """
SELECT a.attname::text AS name, a.atttypid::bigint AS type_oid,
  pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
  a.attidentity::text <> '' AS identity, a.attgenerated::text <> '' AS generated,
  pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default_text,
  EXISTS (
    SELECT FROM pg_catalog.pg_depend s JOIN pg_catalog.pg_class q ON q.oid = s.objid
    WHERE s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND s.refobjid = a.attrelid
      AND s.refobjsubid = a.attnum AND s.deptype = 'a' AND q.relkind = 'S'
  ) AS owns_sequence
FROM pg_catalog.pg_attribute a
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1::bigint AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum"""

# An expression among the columns of a key is NULL here. An exclusion is as good as a unique key.
_KEYS = """
SELECT i.indisprimary AS is_primary, c.contype IS NOT NULL AS is_constraint,
  ARRAY(
    SELECT a.attname::text
    FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE k.n <= i.indnkeyatts ORDER BY k.n
  ) AS columns
FROM pg_catalog.pg_index i
LEFT JOIN pg_catalog.pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
WHERE i.indrelid = $1::bigint AND (i.indisunique OR i.indisexclusion)
ORDER BY i.indisprimary DESC, i.indexrelid"""

_REFERENCES = """
SELECT a.attname::text AS name, c.confrelid::bigint AS oid, t.attname::text AS target,
  r.relname::text AS relation, n.nspname::text AS schema,
  pg_catalog.pg_table_is_visible(r.oid) AS visible
FROM pg_catalog.pg_constraint c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_catalog.pg_attribute t ON t.attrelid = c.confrelid AND t.attnum = c.confkey[1]
JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
WHERE c.conrelid = $1::bigint AND c.contype = 'f' AND array_length(c.conkey, 1) = 1
ORDER BY c.oid"""


@dataclass(frozen=True, slots=True)
class Relation:
    """What has the name of a table."""

    oid: int
    kind: str
    name: TableName

    @property
    def other(self) -> str | None:
        """What it is where it is no table."""
        return None if self.kind in _TABLES else _KINDS.get(self.kind, "no table")


@dataclass(frozen=True, slots=True)
class Existing:
    """A table that is there, and what the server itself calls the types and targets of its columns."""

    schema: TableSchema
    types: dict[str, tuple[int, str]]
    """The OID and the full spelling of each column's type."""
    references: dict[str, list[tuple[int, Reference]]]
    """The OID of the table that a column points to, and how it is called."""


async def made_as(ask: Ask, table: TableName) -> Relation | None:
    """Return what stands where CREATE TABLE would make a table of that name."""
    where = "c.relname = $1::text AND n.nspname = coalesce($2::text, current_schema()::text)"
    return _relation(await ask(_RELATION + where, [table.name, table.schema]))


async def seen_as(ask: Ask, table: TableName) -> Relation | None:
    """Return what a statement means by that name."""
    where = "c.oid = pg_catalog.to_regclass($1::text)"
    return _relation(await ask(_RELATION + where, [table.quoted]))


async def existing_table(ask: Ask, oid: int) -> Existing:
    """Return the table of that OID; each default is the text that the catalogue shows."""
    rows = await ask(_COLUMNS, [oid])
    keys = await ask(_KEYS, [oid])
    references: dict[str, list[tuple[int, Reference]]] = {}

    for row in await ask(_REFERENCES, [oid]):
        references.setdefault(row["name"], []).append((row["oid"], _reference(row)))

    primary = {name for key in keys if key["is_primary"] for name in key["columns"]}
    single = {key["columns"][0] for key in keys if key["is_constraint"] and _is_single(key)}
    columns = tuple(
        replace(
            _column(row),
            primary_key=row["name"] in primary,
            unique=row["name"] in single,
            references=references[row["name"]][0][1] if row["name"] in references else None,
        )
        for row in rows
    )
    types = {row["name"]: (row["type_oid"], row["type"]) for row in rows}
    return Existing(TableSchema(columns, _keys(keys)), types, references)


async def column_types(ask: Ask, oid: int) -> dict[str, tuple[int, str, bool]]:
    """Return the OID and the spelling of each column's type, and whether it is NOT NULL."""
    return {
        row["name"]: (row["type_oid"], row["type"], row["not_null"])
        for row in await ask(_COLUMNS, [oid])
    }


async def unique_keys(ask: Ask, oid: int) -> tuple[tuple[str | None, ...], ...]:
    """Return the columns of every unique index; ``None`` stands for an expression."""
    return tuple(tuple(row["columns"]) for row in await ask(_KEYS, [oid]))


def _relation(rows: Sequence[Row]) -> Relation | None:
    return next(
        (Relation(row["oid"], row["kind"], TableName(row["schema"], row["name"])) for row in rows),
        None,
    )


def _column(row: Row) -> ColumnSpec:
    text = row["default_text"]
    numbers = text is not None and row["owns_sequence"] and text.startswith("nextval(")

    if row["generated"]:
        text = f"GENERATED ALWAYS AS {text}"

    empty = text is None or numbers or re.match(r"NULL(::|$)", text)
    return ColumnSpec(
        row["name"],
        _type(row["type"]),
        nullable=not row["not_null"],
        default=None if empty else Default(function=text),
        identity=row["identity"] or numbers,
    )


def _type(spelled: str) -> ColumnType:
    """Return a type that the server spelled so; all of its types are its own."""
    try:
        return replace(parse_type(spelled), portable=True)
    except ValidationError:
        return ColumnType(spelled)


def _is_single(key: Row) -> bool:
    return len(key["columns"]) == 1 and key["columns"][0] is not None


def _keys(keys: Iterable[Row]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(key["columns"]) for key in keys if None not in key["columns"])


def _reference(row: Row) -> Reference:
    schema = None if row["visible"] else row["schema"]
    return Reference(TableName(schema, row["relation"]), row["target"])
