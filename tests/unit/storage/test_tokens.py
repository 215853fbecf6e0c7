"""SQL text is cut where PostgreSQL and SQLite cut it."""

from __future__ import annotations

import pytest

from infrastructure.storage._tokens import TokenKind, significant, tokens, unquoted


def kinds(text: str, dialect: str) -> list[tuple[str, str]]:
    return [(token.kind.name, token.text) for token in significant(text, dialect)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'it''s'", [("STRING", "'it''s'")]),
        (r"E'a\'b' x", [("STRING", r"E'a\'b'"), ("WORD", "x")]),
        (r"'a\' x", [("STRING", r"'a\'"), ("WORD", "x")]),
        ("E'a'\n 'b'", [("STRING", "E'a'\n 'b'")]),
        ("$$a;$1$$", [("STRING", "$$a;$1$$")]),
        ("$x$ $$ $x$", [("STRING", "$x$ $$ $x$")]),
        ("$1::int", [("PARAMETER", "$1"), ("PUNCTUATION", "::"), ("WORD", "int")]),
        ("a$1", [("WORD", "a$1")]),
        ('"a""b"', [("QUOTED", '"a""b"')]),
        ("/* a /* b */ c */ d", [("WORD", "d")]),
        ("a -- b\rc", [("WORD", "a"), ("WORD", "c")]),
        ("j ?| k", [("WORD", "j"), ("PUNCTUATION", "?"), ("PUNCTUATION", "|"), ("WORD", "k")]),
        ("نام‌کاربر", [("WORD", "نام‌کاربر")]),
        ("۱۲", [("WORD", "۱۲")]),
        ("1.5e-3", [("NUMBER", "1.5e-3")]),
    ],
)
def test_postgresql_text_is_cut_as_postgresql_does(text, expected) -> None:
    """Literals, comments, identifiers and parameters are each one token."""
    assert kinds(text, "postgresql") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/* a /* b */ c", [("WORD", "c")]),
        ("a -- b\rc", [("WORD", "a")]),
        ("a /* b", [("WORD", "a")]),
        ("[a]]", [("QUOTED", "[a]"), ("PUNCTUATION", "]")]),
        ("`a``b`", [("QUOTED", "`a``b`")]),
        ("?1", [("PLACEHOLDER", "?1")]),
        (":x", [("PLACEHOLDER", ":x")]),
        ("@x", [("PLACEHOLDER", "@x")]),
        ("$x", [("PLACEHOLDER", "$x")]),
        ("$1x", [("PLACEHOLDER", "$1x")]),
        ("$$", [("PLACEHOLDER", "$$")]),
        (r"'a\'", [("STRING", r"'a\'")]),
    ],
)
def test_sqlite_text_is_cut_as_sqlite_does(text, expected) -> None:
    """SQLite nests no comments, knows no dollar quotes, and binds other placeholders."""
    assert kinds(text, "sqlite") == expected


@pytest.mark.parametrize("text", ["'a", '"a', "/* a", "$$ a", "E'a\\'", "x '"])
def test_what_has_no_end_is_broken(text) -> None:
    """The rest of the text is one broken token; nothing raises."""
    found = list(tokens(text, "postgresql"))
    assert found[-1].kind is TokenKind.BROKEN
    assert "".join(token.text for token in found) == text


@pytest.mark.parametrize(
    ("text", "dialect", "name"),
    [
        ('"A""b"', "postgresql", 'A"b'),
        ("Users", "postgresql", "users"),
        ("Users", "sqlite", "Users"),
        ("[a b]", "sqlite", "a b"),
        ("`a``b`", "sqlite", "a`b"),
    ],
)
def test_an_identifier_stands_for_its_name(text, dialect, name) -> None:
    """Quotes are taken off; PostgreSQL folds what has none."""
    assert unquoted(significant(text, dialect)[0], dialect) == name


def test_a_letter_that_only_upper_makes_ascii_is_no_keyword() -> None:
    """The dotless i becomes an I by upper(), and so another word."""
    assert significant("ınsert", "postgresql")[0].keyword == ""
