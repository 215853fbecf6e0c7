"""Rewrites the casts to types that SQLite does not know, and would take for numbers."""

from __future__ import annotations

from .._tokens import Token, significant

__all__ = ["rewrite_casts"]

_TEXT = "TEXT"
# By SQLite's rules each of these names has numeric affinity: CAST('2024-05-01' AS DATE) is 2024.
_NEW = {
    "TIMESTAMPTZ": _TEXT,
    "TIMESTAMP": _TEXT,
    "DATE": _TEXT,
    "UUID": _TEXT,
    "JSON": _TEXT,
    "JSONB": _TEXT,
    "BYTEA": "BLOB",
}
_DECIMAL = {"NUMERIC", "DECIMAL"}


def rewrite_casts(text: str) -> str:
    """Return ``text`` with ``CAST(x AS TIMESTAMPTZ)`` and its like as SQLite must have them.

    A cast to NUMERIC stays an exact text that compares and sorts as a number.
    """
    found = significant(text, "sqlite")
    pieces: list[str] = []
    position = 0

    for first, last in _types(found):
        new = _replacement(found[first].keyword)

        if new is not None:
            closing = found[last + 1]
            pieces += [text[position : found[first].start], new]
            position = closing.start + 1

    return "".join([*pieces, text[position:]])


def _replacement(word: str) -> str | None:
    if word in _DECIMAL:
        return "TEXT) COLLATE infrastructure_decimal"

    return f"{_NEW[word]})" if word in _NEW else None


def _types(found: list[Token]) -> list[tuple[int, int]]:
    """Return the first and last token of the type of each cast, in order of their place."""
    types: list[tuple[int, int]] = []
    # For each open parenthesis whether CAST is before it, and where its last AS is.
    opened: list[tuple[bool, int | None]] = []

    for position, token in enumerate(found):
        if token.text == "(":
            opened.append((position > 0 and found[position - 1].keyword == "CAST", None))
        elif token.text == ")" and opened:
            is_cast, after = opened.pop()

            if is_cast and after is not None and after < position:
                types.append((after, position - 1))
        elif token.keyword == "AS" and opened and opened[-1][0]:
            opened[-1] = (True, position + 1)

    return sorted(types)
