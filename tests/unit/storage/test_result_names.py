"""How the columns of a result are called, before and after the database is asked."""

from __future__ import annotations

import pytest

from infrastructure import ValidationError
from infrastructure.backends import parse_statement, refuse_returned_twins, result_names


def test_an_expression_is_called_by_its_function() -> None:
    """DuckDB's ``count_star()`` is PostgreSQL's ``count``; an alias and a column stay."""
    statement = parse_statement("SELECT count(*), max(n) AS most, n FROM t")
    assert result_names(statement, ["count_star()", "most", "n"]) == ["count", "most", "n"]


def test_two_of_one_name_are_refused_with_the_alias_to_add() -> None:
    """The text shows what the database calls the column and a free name."""
    statement = parse_statement("SELECT count(a), count(b) FROM t")

    with pytest.raises(ValidationError, match=r"count\(b\) AS count_2"):
        result_names(statement, ["count(a)", "count(b)"])


@pytest.mark.parametrize(
    "returning",
    ["id, id", "id, t.id", "id, name AS id", "upper(a), upper(b)", "*, id", "id, *"],
)
def test_a_write_that_would_return_twins_is_refused_unsent(returning: str) -> None:
    """A column twice, by alias, by function; a star beside anything."""
    with pytest.raises(ValidationError):
        refuse_returned_twins(parse_statement("DELETE FROM t RETURNING " + returning))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id, id FROM t",
        "DELETE FROM t RETURNING *",
        "DELETE FROM t RETURNING id, name, a + b, a - b",
        "DELETE FROM t",
    ],
)
def test_what_returns_no_twins_passes(text: str) -> None:
    """A read too: nothing is lost when its names are looked at afterwards."""
    refuse_returned_twins(parse_statement(text))


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("SELECT 1", True),
        ("DELETE FROM t", False),
        ("DELETE FROM t RETURNING id", True),
        ("CREATE TABLE a AS SELECT 1", False),
        ("PRAGMA user_version", True),
    ],
)
def test_rows_of_writes_are_nobodys(text: str, gives: bool) -> None:
    """Only a write without RETURNING, and what changes the schema, gives none."""
    assert parse_statement(text).gives_rows is gives
