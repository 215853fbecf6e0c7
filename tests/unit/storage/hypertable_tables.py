"""Hypertables that do something of their own with the rows they get."""

from __future__ import annotations

from dataclasses import replace

from .bulk_tables import CASES, COUNTS, INSERT, MANY, UPSERT, UPSERTS, Case

__all__ = ["HYPERTABLES"]

# The sixty rows of a case lie in six chunks.
CHUNKED = ";SELECT create_hypertable('t', by_range('a', 10), migrate_data => true);"
COMPRESSED = """
ALTER TABLE t SET (timescaledb.compress, timescaledb.compress_orderby = 'a');
SELECT compress_chunk(c) FROM show_chunks('t') AS c;
"""
TABLE = "CREATE TABLE t (a int NOT NULL, b text)" + CHUNKED
KEYED = "CREATE TABLE t (a int PRIMARY KEY, b text)" + CHUNKED
STAMP = "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stamp();"
OLD = "INSERT INTO t (a, b) SELECT g, 'old' FROM generate_series(25, 44) AS g;"
BOTH = "SELECT a, b FROM t ORDER BY a, b"

# Those whose table may become a hypertable as it is.
_AS_ABOVE = [
    "a plain table",
    "columns in another order",
    "a default of each row",
    "a default that is a volatile function",
    "a default that is a stable function",
    "a column GENERATED ALWAYS AS IDENTITY",
    "an identity beside",
    "a column that is computed",
    "a computed column beside",
    "a trigger before each row",
    "a trigger before each row that does not see the rows before",
    "a trigger after each row",
    "a deferred trigger after each row",
    "a trigger before the statement",
    "a trigger after the statement",
    "a foreign key",
    "a foreign key that is missed",
    "a foreign key to a row that came before",
    "a CHECK",
    "a CHECK that fails",
    "a CHECK that reads the table",
    "a unique key twice",
    "a text among values",
    "values of one row that fit nowhere",
    "an upsert",
    "an upsert of one key twice",
    "nothing on a conflict",
    "an upsert with a condition",
    "an upsert that fails",
    "an upsert with a trigger",
    "an upsert with a trigger before each row",
]

# Rows of a COPY are collected for their chunks before they are stored.
_NO_COPY_INTO_CHUNKS = {"a default that is a volatile function"}

_CHANGED = {
    name: replace(
        case, ddl=case.ddl + CHUNKED, copies=case.copies and name not in _NO_COPY_INTO_CHUNKS
    )
    for name, case in (CASES | UPSERTS).items()
    if name in _AS_ABOVE
}
assert len(_CHANGED) == len(_AS_ABOVE)

HYPERTABLES: dict[str, Case] = _CHANGED | {
    "partitions in space too": Case(
        TABLE + "SELECT add_dimension('t', by_hash('b', 4));", copies=True
    ),
    "chunks with a column that is gone": Case(
        "CREATE TABLE t (x int, a int NOT NULL, b text,"
        " c text GENERATED ALWAYS AS (b || a) STORED)"
        + CHUNKED
        + OLD
        + "ALTER TABLE t DROP x; ALTER TABLE t ADD d int DEFAULT 5;",
        copies=True,
    ),
    "a trigger that keeps rows out": Case(
        TABLE + "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RETURN CASE WHEN NEW.a % 2 = 1 THEN NEW END; END $$;"
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION odd();",
        copies=True,
    ),
    "compressed chunks": Case(TABLE + OLD + COMPRESSED, copies=True, look=BOTH),
    "compressed chunks and a key": Case(
        KEYED + "INSERT INTO t SELECT g, 'old' FROM generate_series(60, 65) AS g;" + COMPRESSED,
        copies=True,
        rows=[[number, "x"] for number in range(66, 126)],
    ),
    "a compressed row of the same key": Case(
        KEYED + "INSERT INTO t VALUES (30, 'old');" + COMPRESSED, copies=True
    ),
    "compressed chunks with a trigger before each row": Case(
        COUNTS + TABLE + OLD + COMPRESSED + STAMP, copies=False, look=BOTH
    ),
    "compressed chunks with a default that is a volatile function": Case(
        COUNTS + TABLE + OLD + COMPRESSED + "ALTER TABLE t ALTER b SET DEFAULT so_far_v();",
        copies=False,
        insert="INSERT INTO t (a) VALUES ($1)",
        rows=[[number] for number in range(60)],
        look=BOTH,
    ),
    "an upsert over compressed rows with a trigger before each row": Case(
        COUNTS + KEYED + OLD + COMPRESSED + STAMP.replace("INSERT", "UPDATE"),
        copies=False,
        insert=UPSERT,
        rows=[*MANY, [5, "+"], [30, "+"]],
    ),
    "an upsert over compressed rows": Case(
        KEYED + OLD + COMPRESSED, copies=False, insert=UPSERT, rows=[*MANY, [5, "+"], [30, "+"]]
    ),
    "nothing where a compressed row is": Case(
        KEYED + OLD + COMPRESSED, copies=False, insert=INSERT + " ON CONFLICT DO NOTHING"
    ),
    "a value that has no chunk": Case(
        TABLE + "ALTER TABLE t ADD CHECK (a < 1000);",
        copies=True,
        rows=[*MANY, [2**31 - 1, "beyond"], [61, "x"]],
    ),
}
