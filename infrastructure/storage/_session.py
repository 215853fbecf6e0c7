"""Which statements leave something behind in their connection."""

from __future__ import annotations

from itertools import pairwise

from ._tokens import Token, TokenKind

__all__ = ["session_function", "touches_session"]

_ALWAYS = frozenset(
    {
        "RESET",
        "DISCARD",
        "DEALLOCATE",
        "PREPARE",
        "EXECUTE",
        "LOAD",
        "PRAGMA",
        "ATTACH",
        "DETACH",
        "LISTEN",
    }
)
_LOCKS = frozenset(
    {
        "pg_advisory_lock",
        "pg_advisory_lock_shared",
        "pg_advisory_unlock",
        "pg_advisory_unlock_all",
        "pg_advisory_unlock_shared",
        "pg_try_advisory_lock",
        "pg_try_advisory_lock_shared",
    }
)
_TRUE = frozenset({"TRUE", "'t'", "'true'", "'on'", "'yes'", "'1'"})


def touches_session(words: list[str], inner: list[Token]) -> bool:
    """Return whether a connection that ran the statement must be reset before reuse."""
    first = words[0]

    if first in _ALWAYS and words[:2] != ["PREPARE", "TRANSACTION"]:
        return True

    if first == "SET":
        return words[1:2] not in (["LOCAL"], ["TRANSACTION"], ["CONSTRAINTS"])

    if first == "DECLARE":
        return "HOLD" in words and "WITHOUT" not in words

    if first in ("CREATE", "SELECT", "WITH") and _names_temporary(words, inner):
        return True

    return session_function(inner) is not None


def session_function(inner: list[Token]) -> str | None:
    """Return the function called that changes its session, if there is one."""
    for position, (token, following) in enumerate(pairwise(inner)):
        if following.text != "(":
            continue

        name = token.text.strip('"').lower()

        if name in _LOCKS or (name == "set_config" and _is_kept(inner[position + 2 :])):
            return name

    return None


def _names_temporary(words: list[str], inner: list[Token]) -> bool:
    """TEMP where CREATE and SELECT INTO have it; a column may well be called temp."""
    head = words[1:5] if words[0] == "CREATE" else _after_into(words)
    marks = {"TEMP", "TEMPORARY"}
    names = {"TABLE", "VIEW", "SEQUENCE", "INDEX", "TRIGGER", "FUNCTION", "TYPE", "IF", ""}

    for word in head:
        if word in names:
            break

        if word in marks:
            return True

    if words[0] != "CREATE":
        return False

    texts = [token.text.lower() for token in inner[:8]]
    return any(pair in (("pg_temp", "."), ("temp", ".")) for pair in pairwise(texts))


def _after_into(words: list[str]) -> list[str]:
    return words[words.index("INTO") + 1 :][:2] if "INTO" in words else []


def _is_kept(arguments: list[Token]) -> bool:
    """Return whether set_config's third argument is anything but a plain true."""
    depth, count, third = 0, 1, []

    for token in arguments:
        depth += {"(": 1, ")": -1}.get(token.text, 0)

        if depth < 0:
            break

        if token.text == "," and not depth:
            count += 1
        elif count == 3:
            third.append(token)

    if len(third) != 1:
        return True

    text = third[0].text if third[0].kind is TokenKind.STRING else third[0].keyword
    return text not in _TRUE
