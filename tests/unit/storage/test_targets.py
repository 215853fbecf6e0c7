"""Which parameters go into which columns, and what the result columns are called."""

from __future__ import annotations

import pytest

from infrastructure.storage._outputs import output_name, outputs
from infrastructure.storage._targets import Target, targets


def columns(text: str) -> dict[int, list[str | int | None]]:
    found = targets(text).parameters
    return {
        number: [where.position if where.column is None else where.column for where in places]
        for number, places in found.items()
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("insert into t (a, b) values ($1, $2)", {1: ["a"], 2: ["b"]}),
        ("insert into t (a, b) values ($2, $1)", {2: ["a"], 1: ["b"]}),
        ("insert into t (a) values ($1), ($2)", {1: ["a"], 2: ["a"]}),
        ("insert into t (a, b) values ($1, $1)", {1: ["a", "b"]}),
        ("insert into t (a, b) values ($1 + 1, (select $2))", {}),
        ("insert into t values ($1, 'x', $2)", {1: [0], 2: [2]}),
        ('insert or replace into s."T" ("A b") values ($1)', {1: ["A b"]}),
        ("insert into t as x (a) values ($1)", {1: ["a"]}),
        (
            "insert into t (a) values ($1) on conflict (a) do update set b = $2, c = f($3) where d = $4",
            {1: ["a"], 2: ["b"]},
        ),
        ("update t set a = $1, b = $2 where c = $3", {1: ["a"], 2: ["b"]}),
        ("update t as x set a = $1 returning b = $2", {1: ["a"]}),
        ("update t set (a, b) = ($1, $2)", {}),
        ("update t set a = $1 + b", {}),
        ("insert into t (a) select $1", {}),
        ("insert into t (a, b values ($1", {}),
        ("insert into", {}),
        ("update", {}),
        ("delete from t where a = $1", {}),
    ],
)
def test_a_parameter_that_stands_alone_has_a_column(text, expected) -> None:
    """What is in an expression has none."""
    assert columns(text) == expected


@pytest.mark.parametrize(
    ("text", "simple"),
    [
        ("insert into t (a, b) values ($1, $2)", True),
        ("INSERT INTO s.t (a) VALUES ($1) -- end", True),
        ("insert into t (a, b) values ($2, $1)", False),
        ("insert into t (a, b) values ($1, 2)", False),
        ("insert into t (a) values ($1), ($2)", False),
        ("insert into t values ($1)", False),
        ("insert into t (a) values ($1) on conflict do nothing", False),
        ("insert into t (a) values ($1) returning a", False),
        ("insert or ignore into t (a) values ($1)", False),
        ("insert into t (a) values ($1::int)", False),
        ("insert into t (a) overriding system value values ($1)", False),
    ],
)
def test_a_plain_insert_is_simple(text, simple) -> None:
    """Only all its columns in the order of its parameters can be copied."""
    assert targets(text, dialect="postgresql").simple is simple


def test_the_table_is_named_as_the_dialect_folds() -> None:
    """PostgreSQL's names are folded, SQLite's are kept."""
    found = targets('insert into S."T" (A) values ($1)', dialect="postgresql")
    assert (found.schema, found.table, found.columns) == ("s", "T", ("a",))
    assert targets("update T set A = $1").parameters == {1: (Target("A"),)}


@pytest.mark.parametrize(
    ("text", "described", "names"),
    [
        ("select count( n ), a from t", ["count( n )", "a"], ["count", "a"]),
        ("select COUNT(*) as n from t", ["n"], ["n"]),
        ("select count(*) n from t", ["n"], ["n"]),
        ("select sum(a) filter (where b) from t", ["sum(a) filter (where b)"], ["sum"]),
        ("select rank() over (order by a) from t", ["rank() over (order by a)"], ["rank"]),
        ("select *, count(*) from t", ["a", "b", "count(*)"], ["a", "b", "count"]),
        ("select t.*, max(a), u.* from t, u", ["a", "max(a)", "c"], ["a", "max(a)", "c"]),
        ("select a + 1, not (a), a in (1) from t", ["a + 1", "x", "y"], ["a + 1", "x", "y"]),
        ("select (count(a)) from t", ["(count(a))"], ["count"]),
        ("select cast(a as int), cast(1 as int)", ["x", "y"], ["a", "int4"]),
        ("select cast(max(t) as timestamptz)", ["x"], ["max"]),
        ("select case when a then 1 end from t", ["case"], ["case"]),
        ("select current_timestamp", ["CURRENT_TIMESTAMP"], ["current_timestamp"]),
        ("insert into t values (1) returning a, lower(b)", ["a", "lower(b)"], ["a", "lower"]),
        ("with x as (select max(a) from t) select min(a) from x", ["min(a)"], ["min"]),
        ("select 1, 2", ["odd"], ["odd"]),
    ],
)
def test_a_column_is_named_as_postgresql_names_it(text, described, names) -> None:
    """A function gives its name; an alias, and what the text does not tell, stay."""
    assert outputs(text).names(described) == names


@pytest.mark.parametrize(
    ("text", "casts"),
    [
        ("select cast(max(t) as timestamptz) as z, a from t", ["timestamptz", None]),
        ("select cast(a as numeric(4, 2)) from t", ["numeric"]),
        ("select cast(a as timestamp with time zone) z from t", ["timestamp with time zone"]),
        ("select cast(a as date) + 1 from t", [None]),
        ("select (cast(a as uuid)) from t", ["uuid"]),
        ("select cast(cast(a as text) as date) from t", ["date"]),
        ("insert into t values (1) returning cast(a as jsonb)", ["jsonb"]),
        ("select 1 from (select cast(a as date) from t)", [None]),
    ],
)
def test_the_cast_of_a_column_is_known(text, casts) -> None:
    """It counts where the whole item is the cast."""
    assert outputs(text).casts(len(casts)) == casts


def test_casts_beside_a_star_are_aligned_from_their_end() -> None:
    """What a star stands for is not in the text."""
    found = outputs("select cast(a as date), t.*, cast(b as uuid) from t")
    assert found.casts(5) == ["date", None, None, None, "uuid"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("count( n )", "count"),
        ('"Weird"(1)', "weird"),
        ("CAST(x AS int)", "x"),
        ("CAST(1 + 1 AS double precision)", "float8"),
        ("a + 1", "a + 1"),
        ("", ""),
    ],
)
def test_an_expression_has_a_name(text, name) -> None:
    """Where PostgreSQL has none, the text stays."""
    assert output_name(text) == name
