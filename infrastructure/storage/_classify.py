"""Which kind of statement a list of tokens is, by its words; names and values do not matter."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from itertools import pairwise
from typing import NamedTuple

from ._session import touches_session
from ._tokens import Dialect, Token

__all__ = ["StatementKind", "Verdict", "classify"]


class StatementKind(Enum):
    """What a statement does."""

    READ = auto()
    """SELECT, VALUES, TABLE, SHOW, EXPLAIN."""
    WRITE = auto()
    """INSERT, UPDATE, DELETE, MERGE, REPLACE, and a WITH that contains one."""
    DDL = auto()
    """It changes the schema."""
    TRANSACTION_CONTROL = auto()
    SESSION = auto()
    """It changes the state of its connection, or of its transaction."""
    OUTSIDE = auto()
    """VACUUM, CREATE INDEX CONCURRENTLY, CALL ...: it is, or may do, a transaction of its own."""
    LISTEN = auto()
    COPY_CLIENT = auto()
    """COPY from or to the client."""
    OTHER = auto()
    """The server knows."""


class Verdict(NamedTuple):
    """What ``classify`` found."""

    kind: StatementKind
    keywords: tuple[str, ...]
    has_returning: bool
    touches_session: bool
    plain: bool


_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_READS = frozenset({"SELECT", "VALUES", "TABLE", "SHOW"})
_SCHEMA = frozenset(
    {
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "COMMENT",
        "GRANT",
        "REVOKE",
        "REINDEX",
        "ANALYZE",
        "ANALYSE",
        "REFRESH",
        "SECURITY",
        "IMPORT",
        "CLUSTER",
        "REASSIGN",
    }
)
_CONTROL = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
)
_SESSION = frozenset(
    {
        "SET",
        "RESET",
        "DISCARD",
        "DEALLOCATE",
        "PREPARE",
        "EXECUTE",
        "DECLARE",
        "LOAD",
        "PRAGMA",
        "ATTACH",
        "DETACH",
    }
)
_OUTSIDE = frozenset({"VACUUM", "CALL"})
_LISTENS = frozenset({"LISTEN", "UNLISTEN"})
# The objects that the server makes, drops or rebuilds in transactions of its own.
_OUTSIDE_OBJECTS = frozenset({"DATABASE", "TABLESPACE", "SYSTEM", "SUBSCRIPTION"})
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})


def classify(inner: list[Token], dialect: Dialect) -> Verdict:
    """Return what the statement of these tokens is; they are not empty."""
    # `(SELECT ...) UNION ...` begins with a parenthesis.
    words = [token.keyword for token in inner if token.text != "("] or [""]
    first = words[0]
    kind = _kind(first, words, inner, dialect)
    rows = kind in (StatementKind.READ, StatementKind.WRITE)
    touches = touches_session(words, inner)
    return Verdict(
        kind=kind,
        keywords=tuple(word for word in words[:2] if word),
        has_returning=kind is StatementKind.WRITE and "RETURNING" in _top_level(inner),
        touches_session=touches,
        plain=rows and not touches,
    )


def _kind(first: str, words: list[str], inner: list[Token], dialect: Dialect) -> StatementKind:
    if first in _WRITES or (first == "WITH" and _writes_inside(inner)):
        return StatementKind.WRITE

    if first in _READS or first == "WITH":
        return _selected(inner)

    if first == "EXPLAIN":
        return _explained(inner, dialect)

    if first in _CONTROL or words[:2] == ["PREPARE", "TRANSACTION"]:
        return StatementKind.TRANSACTION_CONTROL

    if first in _LISTENS:
        return StatementKind.LISTEN

    if first == "COPY":
        return StatementKind.COPY_CLIENT if _copies_to_client(inner) else StatementKind.OTHER

    if first in _SESSION or _makes_temporary(words):
        return StatementKind.SESSION

    if first in _OUTSIDE or _is_outside(first, words):
        return StatementKind.OUTSIDE

    return StatementKind.DDL if first in _SCHEMA else StatementKind.OTHER


def _top_level(inner: list[Token]) -> Iterator[str]:
    """Give the words outside any parenthesis."""
    depth = 0

    for token in inner:
        if token.text in ("(", ")"):
            depth += 1 if token.text == "(" else -1
        elif not depth and token.keyword:
            yield token.keyword


def _selected(inner: list[Token]) -> StatementKind:
    """SELECT ... INTO makes a table, perhaps a temporary one."""
    words = list(_top_level(inner))

    if "INTO" not in words:
        return StatementKind.READ

    following = words[words.index("INTO") + 1 :][:2]
    return StatementKind.DDL if _TEMPORARY.isdisjoint(following) else StatementKind.SESSION


def _writes_inside(inner: list[Token]) -> bool:
    """Return whether a WITH has a data-modifying part, or is one."""
    for before, token, after in zip(inner, inner[1:], [*inner[2:], None], strict=False):
        if before.text not in ("(", ")") or token.keyword not in _WRITES:
            continue

        # replace( and insert( are functions.
        if after is None or after.text != "(":
            return True

    return False


def _explained(inner: list[Token], dialect: Dialect) -> StatementKind:
    """EXPLAIN reads; EXPLAIN ANALYZE is what it runs."""
    starts = _READS | _WRITES | {"WITH", "CREATE", "EXECUTE", "DECLARE", "REFRESH"}
    options: list[str] = []

    for position, token in enumerate(inner[1:], 1):
        if token.keyword in starts:
            if "ANALYZE" in options or "ANALYSE" in options:
                rest = inner[position:]
                return _kind(token.keyword, [piece.keyword for piece in rest], rest, dialect)

            break

        options.append(token.keyword)

    return StatementKind.READ


def _copies_to_client(inner: list[Token]) -> bool:
    words = list(_top_level(inner))
    pairs = set(pairwise(words))
    return bool(pairs & {("FROM", "STDIN"), ("TO", "STDOUT"), ("FROM", "STDOUT"), ("TO", "STDIN")})


def _makes_temporary(words: list[str]) -> bool:
    """CREATE [OR REPLACE] [LOCAL | GLOBAL] TEMP ..., and the schema that is the session's own."""
    if words[0] != "CREATE":
        return False

    head = words[1:5]
    allowed = {"OR", "REPLACE", "LOCAL", "GLOBAL", "RECURSIVE"}
    return any(
        word in _TEMPORARY and allowed.issuperset(head[:position])
        for position, word in enumerate(head)
    )


def _is_outside(first: str, words: list[str]) -> bool:
    if first in ("CREATE", "DROP", "REINDEX") and "CONCURRENTLY" in words[1:6]:
        return True

    if first in ("CREATE", "DROP") or words[:2] == ["ALTER", "SYSTEM"]:
        return words[1:2] != [] and words[1] in _OUTSIDE_OBJECTS

    if first == "REINDEX":
        return not {"DATABASE", "SYSTEM", "SCHEMA"}.isdisjoint(words[1:4])

    return first == "ALTER" and "DETACH" in words and words[-1] == "CONCURRENTLY"
