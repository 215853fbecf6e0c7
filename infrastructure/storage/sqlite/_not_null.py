"""Makes a column NOT NULL in the text of its CREATE TABLE: SQLite has no ALTER COLUMN."""

from __future__ import annotations

import sqlite3

from ...interfaces.exceptions import OperationError
from .._tokens import Token, TokenKind, significant, unquoted

__all__ = ["set_not_null"]


def set_not_null(con: sqlite3.Connection, table: str, column: str) -> None:
    """Change the stored definition of ``table``, inside the open transaction.

    A column that holds no NULL may be given the constraint by editing the schema, which
    leaves the rows alone: the procedure of SQLite's documentation of ALTER TABLE ("Making
    Other Kinds Of Table Schema Changes").
    """
    rows = con.execute(
        "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE", [table]
    ).fetchall()
    version = int(con.execute("PRAGMA schema_version").fetchone()[0])
    con.execute("PRAGMA writable_schema=ON")

    try:
        con.execute(
            "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ? COLLATE NOCASE",
            [with_not_null(rows[0][0], column), table],
        )
        con.execute(f"PRAGMA schema_version={version + 1}")
    finally:
        con.execute("PRAGMA writable_schema=OFF")

    # A text that SQLite could not read again would make the file useless: better no change.
    problems = con.execute(
        f"PRAGMA quick_check('{table.replace(chr(39), chr(39) * 2)}')"
    ).fetchall()

    if problems != [("ok",)]:
        msg = f"the column {column!r} of {table!r} cannot be made NOT NULL: {problems[0][0]}"
        raise OperationError(msg, outcome="not_applied")


def with_not_null(text: str, column: str) -> str:
    """Return the CREATE TABLE text with NOT NULL at the end of a column's definition."""
    found = significant(text, "sqlite")
    depth = 0
    begins = False
    inside = False

    for position, token in enumerate(found):
        if token.text in ("(", ")"):
            depth += 1 if token.text == "(" else -1

        if inside and ((token.text == "," and depth == 1) or depth == 0):
            last = found[position - 1]
            end = last.start + len(last.text)
            return f"{text[:end]} NOT NULL{text[end:]}"

        if begins and _is_name(token, column):
            inside = True

        begins = depth == 1 and token.text in ("(", ",")

    msg = f"the definition of the column {column!r} was not found in {text[:80]!r}"
    raise OperationError(msg, outcome="not_applied")


def _is_name(token: Token, column: str) -> bool:
    if token.kind not in (TokenKind.WORD, TokenKind.QUOTED):
        return False

    return unquoted(token, "sqlite").lower() == column.lower()
