"""Which INSERTs are plain enough for many rows in one command."""

from __future__ import annotations

import pytest

from infrastructure.storage.postgres._insert import insert_of

UPSERT = "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO UPDATE SET "


@pytest.mark.parametrize(
    ("text", "table", "columns"),
    [
        ("INSERT INTO t (a) VALUES ($1)", "t", ["a"]),
        ("insert into t(a,b)values($1,$2)", "t", ["a", "b"]),
        ("INSERT INTO t (a, b) VALUES ($2, $1)", "t", ["b", "a"]),
        ("INSERT INTO t (c, a, b) VALUES ($3, $1, $2)", "t", ["a", "b", "c"]),
        ('INSERT INTO app . "T" ("A b", c) VALUES ($1, $2)', 'app."T"', ['"A b"', "c"]),
        ("INSERT INTO جدول (نام) VALUES ($1)", "جدول", ["نام"]),
        ("/* a */ INSERT -- b\n INTO t (a) VALUES /* c /* d */ */ ($1) -- e", "t", ["a"]),
        ("INSERT INTO t AS x (a) VALUES ($1)", "t", ["a"]),
        ("INSERT INTO t (a) VALUES ($01)", "t", ["a"]),
    ],
)
def test_a_plain_insert_is_known(text, table, columns) -> None:
    """Table and columns are those of the text, in the order of the parameters."""
    found = insert_of(text)
    assert found is not None
    assert (found.table, list(found.columns)) == (table, columns)
    assert (found.conflict, found.updates) == ("", None)


def test_names_are_folded_as_postgresql_folds_them() -> None:
    """ASCII letters without quotes only."""
    found = insert_of('INSERT INTO t (Ab, "Ab", "a""b", ÉTÉ) VALUES ($4, $3, $2, $1)')
    assert found is not None
    assert found.names == ("ÉtÉ", 'a"b', "Ab", "ab")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "INSERT",
        "INSERT INTO t",
        "INSERT INTO t VALUES ($1)",
        "INSERT INTO t (a)",
        "INSERT INTO t (a) VALUES",
        "INSERT INTO t (a) VALUES (",
        "INSERT INTO t (a) VALUES ($1",
        "INSERT INTO t (a) VALUES ()",
        "INSERT INTO t (a, b) VALUES ($1)",
        "INSERT INTO t (a) VALUES ($1, $2)",
        "INSERT INTO t (a, b) VALUES ($1, $1)",
        "INSERT INTO t (a, b) VALUES ($1, $3)",
        "INSERT INTO t (a) VALUES ($2)",
        "INSERT INTO t (a, b) VALUES ($1, 'x')",
        "INSERT INTO t (a, b) VALUES ($1, 2)",
        "INSERT INTO t (a, b) VALUES ($1, DEFAULT)",
        "INSERT INTO t (a) VALUES ($1::int)",
        "INSERT INTO t (a) VALUES (CAST($1 AS int))",
        "INSERT INTO t (a) VALUES ($1 + 1)",
        "INSERT INTO t (a) VALUES (-$1)",
        "INSERT INTO t (a) VALUES (upper($1))",
        "INSERT INTO t (a) VALUES (($1))",
        "INSERT INTO t (a) VALUES ($1), ($2)",
        "INSERT INTO t (a) VALUES ($1) RETURNING a",
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING RETURNING a",
        "INSERT INTO t (a) SELECT $1",
        "INSERT INTO t (a) (VALUES ($1))",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES ($1)",
        "INSERT INTO t (a) OVERRIDING USER VALUE VALUES ($1)",
        "INSERT INTO t (a[1]) VALUES ($1)",
        "INSERT INTO t (a.x) VALUES ($1)",
        "INSERT INTO t (1) VALUES ($1)",
        "INSERT INTO t ('a') VALUES ($1)",
        "INSERT INTO d.s.t (a) VALUES ($1)",
        'INSERT INTO U&"t" (a) VALUES ($1)',
        "INSERT INTO t x (a) VALUES ($1)",
        "INSERT OR REPLACE INTO t (a) VALUES ($1)",
        "WITH x AS (SELECT 1) INSERT INTO t (a) VALUES ($1)",
        "UPDATE t SET a = $1",
        "DELETE FROM t WHERE a = $1",
        "MERGE INTO t USING s ON true WHEN NOT MATCHED THEN INSERT (a) VALUES ($1)",
        "SELECT 'INSERT INTO t (a) VALUES ($1)'",
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT",
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a)",
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO",
        "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO SELECT",
        "INSERT INTO t (a) VALUES ($1) WHERE true",
    ],
)
def test_what_is_more_is_not_plain(text) -> None:
    """An expression, a second row, RETURNING: the statement is run row by row."""
    assert insert_of(text) is None


@pytest.mark.parametrize(
    ("conflict", "updates"),
    [
        ("DO NOTHING", None),
        ("(a) DO NOTHING", None),
        ("(lower(a), b) WHERE b > 0 DO NOTHING", None),
        ("ON CONSTRAINT t_pkey DO NOTHING", None),
        ("(a) DO UPDATE SET b = EXCLUDED.b", {"b"}),
        ('(a) DO UPDATE SET B = excluded.b, "C" = t.c + 1', {"b", "C"}),
        ("(a) DO UPDATE SET b = coalesce(excluded.b, t.b), c = now() WHERE t.c < 5", {"b", "c"}),
        ("(a) DO UPDATE SET b = (t.b || 'x, SET c = 1')", {"b"}),
        ("(a) DO UPDATE SET b = CASE WHEN t.b IN (1, 2) THEN 3 ELSE DEFAULT END", {"b"}),
        ("(a) DO UPDATE SET b = excluded.b::text WHERE (t.b, t.c) IS DISTINCT FROM (1, 2)", {"b"}),
    ],
)
def test_an_upsert_of_columns_and_constants_is_known(conflict, updates) -> None:
    """Its conflict clause is kept as it is, and which columns it sets is told."""
    found = insert_of(f"INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT {conflict}")
    assert found is not None
    assert found.conflict == f"ON CONFLICT {conflict}"
    assert found.updates == updates


def test_an_alias_stays_with_the_table_that_the_conflict_names() -> None:
    """COPY has no alias, the INSERT of arrays needs it."""
    found = insert_of(
        "INSERT INTO s.t AS x (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = x.a + 1"
    )
    assert found is not None
    assert (found.table, found.head) == ("s.t", "s.t AS x")


@pytest.mark.parametrize(
    "assignments",
    [
        "b = $2",
        "b = f(excluded.b)",
        "b = s.now()",
        'b = "now"()',
        "b = nextval('s')",
        "b = (SELECT max(b) FROM t)",
        "b = t.b OPERATOR(s.+) 1",
        "(b, c) = (1, 2)",
        "b[1] = 2",
        "b.x = 2",
        "b = excluded.b, (c) = (1)",
        "b = 1 WHERE t.b > $2",
        "b = 1 WHERE f(t.b)",
        "b = 1 WHERE EXISTS (SELECT 1)",
        "b = ARRAY(SELECT 1)",
        "b",
        "",
    ],
)
def test_an_upsert_that_asks_more_is_not_plain(assignments) -> None:
    """A parameter, a function, a query: what a row becomes may depend on the rows before it."""
    assert insert_of(UPSERT + assignments) is None
