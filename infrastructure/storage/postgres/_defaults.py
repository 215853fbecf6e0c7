"""The defaults of PostgreSQL's columns: written as SQL, and compared by what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...interfaces.exceptions import ValidationError
from .._cursor import Cursor
from .._literals import NOW, RANDOM_UUID, Default
from .._render import literal_text
from .._tokens import TokenKind
from .._types import ColumnType
from ._ask import Ask

__all__ = ["is_literal", "means_function", "render_literal", "same_literals"]

_NOW = frozenset({NOW, "CURRENT_TIMESTAMP", "transaction_timestamp()"})
_FUNCTIONS = {
    (NOW, "TIMESTAMPTZ"): _NOW,
    (NOW, "TIMESTAMP"): _NOW | {"LOCALTIMESTAMP", "(now())::timestamp without time zone"},
    (NOW, "DATE"): _NOW | {"CURRENT_DATE", "(now())::date"},
    (RANDOM_UUID, "UUID"): frozenset({RANDOM_UUID, "uuidv4()"}),
}
_OF_TYPES = (TokenKind.WORD, TokenKind.QUOTED, TokenKind.NUMBER)


def render_literal(value: Any, column_type: ColumnType) -> str:
    """Return a string of SQL that is read the same whatever ``standard_conforming_strings`` says."""
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else literal_text(value, column_type)
    quoted = "'" + text.replace("'", "''") + "'"
    return "E" + quoted.replace("\\", "\\\\") if "\\" in quoted else quoted


def means_function(text: str, wanted: Default, column_type: ColumnType) -> bool:
    """Return whether the catalogue's ``text`` is another spelling of the function that is wanted."""
    return text in _FUNCTIONS.get((wanted.function or "", column_type.name), ())


def is_literal(text: str) -> bool:
    """Return whether an expression of the catalogue is a literal and casts of it, and calls nothing."""
    cursor = Cursor(text, "the default")

    try:
        _read_expression(cursor)
    except ValidationError:
        return False

    return cursor.at_end


async def same_literals(
    ask: Ask, pairs: Sequence[tuple[str, Default, ColumnType, str]]
) -> list[bool]:
    """Return for each pair whether both are the same value in a column of that type.

    A pair is the catalogue's literal, the default that is wanted, and the column's type, as ours
    and as the server spells it. The server itself reads both: nobody knows its types better.
    """
    if not pairs:
        return []

    parts = []

    for number, (text, wanted, column_type, spelled) in enumerate(pairs):
        # What JSON means does not depend on its blanks; only jsonb has no other spelling.
        same = "::jsonb::text" if column_type.name == "JSON" else "::text"
        literal = render_literal(wanted.value, column_type)
        there, here = (f"(({each})::{spelled}){same}" for each in (text, literal))
        parts.append(f"{there} IS NOT DISTINCT FROM {here} AS c{number}")

    row = (await ask(f"SELECT {', '.join(parts)}", []))[0]
    return [row[f"c{number}"] for number in range(len(pairs))]


def _read_expression(cursor: Cursor) -> None:
    if cursor.accept("("):
        _read_expression(cursor)
        cursor.expect(")")
    elif cursor.accept("ARRAY", "["):
        _read_elements(cursor)
    elif not (cursor.accept("TRUE") or cursor.accept("FALSE") or cursor.accept("NULL")):
        cursor.accept("-")
        token = cursor.take()

        if token.kind not in (TokenKind.STRING, TokenKind.NUMBER):
            cursor.fail("a literal")

    while cursor.accept("::"):
        _skip_type(cursor)


def _read_elements(cursor: Cursor) -> None:
    if cursor.accept("]"):
        return

    _read_expression(cursor)

    while cursor.accept(","):
        _read_expression(cursor)

    cursor.expect("]")


def _skip_type(cursor: Cursor) -> None:
    """Read ``timestamp(3) with time zone``, ``public."Mood"[]``: words, and numbers in parentheses."""
    depth = 0

    while (token := cursor.token) is not None:
        # What closes here was opened outside of the type.
        if token.text in (")", ",", "]", "::") and not depth:
            return

        if token.kind not in _OF_TYPES and token.text not in ("(", ")", "[", "]", ".", ","):
            cursor.fail("a type")

        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(cursor.take().text, 0)
