"""Whether many rows in one command mean for a table what one INSERT after another means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ._ask import Ask, Row
from ._insert import Insert

__all__ = ["Target", "Targets", "ends_early"]

# The rows of the catalogue that the answer below is made of: where none of them was written anew,
# neither is the answer. A function that becomes another is seen by its triggers only.
_STATE = """
SELECT c.oid::bigint AS oid, pg_catalog.concat_ws('|', c.oid, c.xmin, c.ctid,
  pg_catalog.row_security_active(c.oid),
  ARRAY(SELECT pg_catalog.concat(a.xmin, a.ctid) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0),
  ARRAY(SELECT pg_catalog.concat(t.xmin, t.ctid, f.xmin, f.ctid) FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid WHERE t.tgrelid = c.oid),
  ARRAY(SELECT pg_catalog.concat(r.xmin, r.ctid) FROM pg_catalog.pg_rewrite r
        WHERE r.ev_class = c.oid),
  ARRAY(SELECT pg_catalog.concat(d.xmin, d.ctid) FROM pg_catalog.pg_attrdef d
        WHERE d.adrelid = c.oid),
  ARRAY(SELECT pg_catalog.concat(k.xmin, k.ctid) FROM pg_catalog.pg_constraint k
        WHERE k.conrelid = c.oid),
  ARRAY(SELECT pg_catalog.concat(e.xmin, e.ctid) FROM pg_catalog.pg_extension e
        WHERE e.extname = 'timescaledb')
) AS state, c.relkind::text AS kind
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1::text)"""

# Of triggers those may stay that run for each row before it is written, and see the rows before
# it: a volatile function does. After the rows they would see all of them; TimescaleDB's own only
# note which ranges were written.
_TRIGGERS = """
  SELECT FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
  JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
  WHERE t.tgrelid IN (SELECT oid FROM tree) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
    AND n.nspname NOT IN ('_timescaledb_functions', '_timescaledb_internal')
    AND (t.tgtype & 3 = 3 AND f.provolatile = 'v') = """

# A function of the server itself is not in pg_depend: none of them reads a table. A volatile
# DEFAULT sees the rows before its own.
_DEFAULTS = """
  SELECT FROM pg_catalog.pg_attrdef k
  JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
    AND d.objid = k.oid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
  JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
  WHERE k.adrelid = c.oid AND f.provolatile = """

# Bits of tgtype: 1 each row, 2 before, 4 INSERT, 16 UPDATE.
_FACTS = f"""
WITH tree AS MATERIALIZED (
  SELECT $1::oid AS oid UNION
  SELECT relid FROM pg_catalog.pg_partition_tree($1::oid::pg_catalog.regclass)
), facts AS MATERIALIZED (
  SELECT c.oid, CASE
    WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no ordinary table'
    WHEN pg_catalog.row_security_active(c.oid) THEN 'row-level security is on'
    WHEN EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid)
      THEN 'it has rules'
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_class p WHERE p.oid IN (SELECT oid FROM tree) AND p.relkind = 'f'
    ) THEN 'a partition of it is a foreign table'
    WHEN EXISTS ({_TRIGGERS} false AND t.tgtype & 4 <> 0)
      THEN 'it has triggers that run for a statement, or after a row'
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid IN (SELECT oid FROM tree)
        AND k.contype = 'f' AND k.confrelid IN (SELECT oid FROM tree)
    ) THEN 'a foreign key refers to the table itself'
    WHEN EXISTS (
      SELECT FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        AND d.objid = k.oid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
      WHERE k.conrelid IN (SELECT oid FROM tree) AND f.provolatile <> 'i'
    ) THEN 'a CHECK calls a function that may read a table'
    WHEN EXISTS ({_DEFAULTS} 's') THEN 'a DEFAULT calls a stable function'
    END AS refusal,
    CASE WHEN EXISTS ({_TRIGGERS} false AND t.tgtype & 16 <> 0)
      THEN 'it has triggers on UPDATE' END AS update_refusal,
    (SELECT pg_catalog.string_to_array(pg_catalog.substring(e.extversion, '^[0-9.]*'), '.')::int[]
     FROM pg_catalog.pg_extension e WHERE e.extname = 'timescaledb') AS timescale,
    EXISTS ({_DEFAULTS} 'v') AS default_looks,
    EXISTS ({_TRIGGERS} true AND t.tgtype & 4 <> 0) AS insert_looks,
    EXISTS ({_TRIGGERS} true AND t.tgtype & 16 <> 0) AS update_looks
  FROM pg_catalog.pg_class c WHERE c.oid = $1::oid
)
SELECT f.refusal, f.update_refusal, f.timescale, f.default_looks, f.insert_looks, f.update_looks,
  a.attname::text AS name, a.atttypid::bigint AS oid, t.typtype::text AS kind, t.typreceive <> 0 AS received,
  a.attidentity = 'a' OR a.attgenerated <> '' AS generated,
  CASE WHEN t.typarray <> 0 THEN pg_catalog.format_type(t.typarray, -1) END AS array_type,
  EXISTS (
    SELECT FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint k ON k.oid = g.tgconstraint
    WHERE g.tgrelid = a.attrelid AND g.tgisinternal AND k.contype = 'f'
      AND k.confrelid = a.attrelid AND a.attnum = ANY (k.confkey)
  ) AS referenced
FROM facts f JOIN pg_catalog.pg_attribute a ON a.attrelid = f.oid
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped"""  # noqa: S608 - of constants of this file

# What a hypertable is the catalogue of the server does not say.
_HYPERTABLE = """
SELECT h.compression_enabled AS compressed FROM timescaledb_information.hypertables h
JOIN pg_catalog.pg_namespace n ON n.nspname = h.hypertable_schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = h.hypertable_name
WHERE c.oid = $1::oid"""

_MENDED = (2, 18, 1)
_CACHED = 1024
_TEXT = 25


@dataclass(frozen=True, slots=True)
class Target:
    """The table of an INSERT and its columns, those of ``$1``, ``$2`` ... in this order.

    ``refusal``         why its rows must come one by one; ``None``: they need not.
    ``not_by_copy``     why COPY does not take them all the same; ``not_by_array``: nor an array.
    ``oids``            the types of the columns; ``carried``: those that their values are written as.
    ``arrays``          what the types of their arrays are called.
    """

    refusal: str | None
    not_by_copy: str | None = None
    not_by_array: str | None = None
    oids: tuple[int, ...] = ()
    carried: tuple[int, ...] = ()
    arrays: tuple[str, ...] = ()


class Targets:
    """What is known of the tables that rows were inserted into; looked at before each use."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, list[Row]]] = {}

    async def of(self, ask: Ask, insert: Insert) -> Target:
        """Return the target of an INSERT as it is now, for the role that asks."""
        found = await ask(_STATE, [insert.table])

        if not found:
            return Target("there is no such table")

        oid, state, kind = found[0]["oid"], found[0]["state"], found[0]["kind"]
        known = self._known.get(insert.table)

        if known is None or known[0] != state:
            rows = await ask(_FACTS, [oid])
            known = (state, rows)

            # Of partitions the state says nothing.
            if kind == "r":
                self._keep(insert.table, known)

        rows = known[1]
        chunks = await _chunks(ask, oid, rows[0], insert) if rows else None
        return _target(rows, insert, chunks)

    def _keep(self, table: str, known: tuple[str, list[Row]]) -> None:
        if len(self._known) >= _CACHED:
            self._known.clear()

        self._known[table] = known


async def _chunks(ask: Ask, oid: int, facts: Row, insert: Insert) -> Row | None:
    """Return what TimescaleDB knows of a table, where that matters; ``None``: it is no hypertable."""
    matters = _looks(facts, insert) or ends_early(facts, insert)
    found = await ask(_HYPERTABLE, [oid]) if matters and facts["timescale"] else []
    return found[0] if found else None


def _looks(facts: Row, insert: Insert) -> bool:
    """Return whether what the table does with a row may read the table."""
    looks: bool = facts["default_looks"] or facts["insert_looks"]
    return looks or (insert.updates is not None and facts["update_looks"])


def ends_early(facts: Row, insert: Insert) -> bool:
    """Return whether TimescaleDB may drop the rows behind one that is in a compressed chunk.

    It did on DO NOTHING (timescale/timescaledb#7672).
    """
    old = facts["timescale"] is not None and tuple(facts["timescale"]) < _MENDED
    return old and bool(insert.conflict) and insert.updates is None


def _target(rows: Sequence[Row], insert: Insert, chunks: Row | None) -> Target:
    by_name: Mapping[str, Row] = {row["name"]: row for row in rows}
    columns = [by_name[name] for name in insert.names if name in by_name]

    if len(columns) < len(insert.names):
        return Target("it has no such columns")

    return Target(
        refusal=rows[0]["refusal"]
        or _refusal_of_chunks(rows[0], insert, chunks)
        or _conflict_refusal(by_name, insert),
        not_by_copy=_refusal_of_copy(columns, insert, chunks),
        not_by_array=None if all(row["array_type"] for row in columns) else "a type has no array",
        oids=tuple(row["oid"] for row in columns),
        # The binary form of an enum's label is the label.
        carried=tuple(_TEXT if row["kind"] == "e" else row["oid"] for row in columns),
        arrays=tuple(row["array_type"] or "" for row in columns),
    )


def _refusal_of_chunks(facts: Row, insert: Insert, chunks: Row | None) -> str | None:
    """Return why the rows of a hypertable must come one by one."""
    if chunks is None or not chunks["compressed"]:
        return None

    # Of the rows that a command puts into a compressed chunk it sees none itself.
    if _looks(facts, insert):
        return "its chunks may be compressed, and a trigger or a DEFAULT may read them"

    return "this TimescaleDB may lose rows" if ends_early(facts, insert) else None


def _conflict_refusal(columns: Mapping[str, Row], insert: Insert) -> str | None:
    """Return why the rows of an upsert must come one by one."""
    if insert.updates is None:
        return None

    # A key that is gone for a moment is missed by who refers to it, if he is asked in between.
    if any(columns[name]["referenced"] for name in insert.updates if name in columns):
        return "DO UPDATE sets a column that a foreign key refers to"

    refusal: str | None = next(iter(columns.values()))["update_refusal"]
    return refusal


def _refusal_of_copy(columns: Sequence[Row], insert: Insert, chunks: Row | None) -> str | None:
    if insert.conflict:
        return "COPY knows no ON CONFLICT"

    # INSERT refuses to set it, COPY sets it.
    if any(row["generated"] for row in columns):
        return "a column is GENERATED ALWAYS"

    # TimescaleDB collects rows for a chunk first: they are not there when DEFAULT is asked again.
    if chunks is not None and columns[0]["default_looks"]:
        return "it is a hypertable, and a DEFAULT may read it"

    return None if all(row["received"] for row in columns) else "a type has no binary form"
