"""What holds for every SQL text."""

from __future__ import annotations

from hypothesis import example, given, strategies as st

from infrastructure.interfaces import ValidationError
from infrastructure.storage._outputs import outputs
from infrastructure.storage._schema import parse_column
from infrastructure.storage._statement import parse_statement
from infrastructure.storage._targets import targets
from infrastructure.storage._tokens import tokens

MARKS = ["'", "''", '"', '""', "$", "$$", "$1", "$2", "$a$", "?", ":a", "@b", "--", "/*", "*/", "("]
MARKS += [")", ",", ";", "::", "\\", "\n", "\r", " ", "E'", "[", "]", "`", ".", "*", "="]
WORDS = [
    "select",
    "SELECT",
    "insert",
    "into",
    "values",
    "update",
    "set",
    "t",
    "a",
    "b",
    "as",
    "cast",
]
WORDS += [
    "with",
    "returning",
    "union",
    "from",
    "where",
    "on conflict",
    "do",
    "create trigger",
    "end",
]
WORDS += [
    "begin",
    "case",
    "count(",
    "1",
    "1.5",
    "0x1f",
    "۱",
    "نام",
    "\u200c",
    "distinct",
    "not null",
]
PIECES = st.sampled_from(MARKS + WORDS)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.lists(PIECES, max_size=25).map(" ".join)
DIALECTS = st.sampled_from(["postgresql", "sqlite"])


@given(TEXTS | st.text(), DIALECTS)
@example("E'a\n'b'", "postgresql")
def test_the_tokens_are_the_text(text, dialect) -> None:
    """Whatever it is, nothing is lost and nothing raises."""
    found = list(tokens(text, dialect))
    assert "".join(token.text for token in found) == text
    assert all(token.text and text.startswith(token.text, token.start) for token in found)


@given(TEXTS | st.text(), DIALECTS)
def test_a_text_is_a_statement_or_refused(text, dialect) -> None:
    """No other error; what was understood of it is consistent."""
    try:
        statement = parse_statement(text, dialect=dialect)
    except ValidationError:
        return

    where = targets(statement.text, dialect=dialect)
    assert all(1 <= number <= statement.parameters for number in where.parameters)
    assert not where.simple or len(where.columns) == statement.parameters
    described = ["x"] * 5
    assert len(outputs(statement.text, dialect=dialect).names(described)) == 5


@given(st.text(max_size=30), st.integers(1, 9))
def test_a_literal_hides_what_is_in_it(inside, number) -> None:
    """A parameter in quotes is none, and stays as it is."""
    quoted = "'" + (inside + "$7").replace("'", "''").replace("\0", "") + "'"
    quoted = quoted.encode(errors="replace").decode()
    statement = parse_statement(f"select {quoted}, ${number}", dialect="sqlite")
    assert statement.parameters == number
    assert statement.sqlite_text == f"select {quoted}, ?{number}"


@given(TEXTS | st.text())
def test_a_type_text_is_a_column_or_refused(text) -> None:
    """The grammar never fails otherwise."""
    try:
        column = parse_column("c", text)
    except ValidationError:
        return

    assert str(column.type)
