"""Which INSERTs are plain enough that many rows of theirs may go in one command."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache

from .._tokens import Token, TokenKind, significant, unquoted

__all__ = ["Insert", "insert_of"]

_NAMES = (TokenKind.WORD, TokenKind.QUOTED)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

# What may stand before a parenthesis and is no function of somebody's: constructs of the grammar,
# and now(), which is the same for all rows of a transaction.
_BEFORE_PARENTHESIS = frozenset(
    {
        "AND",
        "CASE",
        "COALESCE",
        "ELSE",
        "FROM",
        "GREATEST",
        "IN",
        "LEAST",
        "NOT",
        "NOW",
        "NULLIF",
        "OR",
        "THEN",
        "WHEN",
        "WHERE",
    }
)
# A query sees the rows before this one, when they come one by one.
_QUERIES = frozenset({"SELECT", "TABLE", "VALUES", "WITH", "RETURNING"})


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO t (columns) VALUES ($1 ... $n)``, each parameter once, in any order.

    ``table``     as the text spells it; ``head``: with its alias.
    ``columns``   as the text spells them, those of ``$1``, ``$2`` ... in this order;
    ``names``     what they are called.
    ``conflict``  the text from ON CONFLICT on; empty where there is none.
    ``updates``   the names of the columns that DO UPDATE sets; ``None`` without DO UPDATE.
    """

    table: str
    head: str
    columns: tuple[str, ...]
    names: tuple[str, ...]
    conflict: str = ""
    updates: frozenset[str] | None = None


@lru_cache(maxsize=1024)
def insert_of(text: str) -> Insert | None:
    """Return what a statement inserts; ``None`` where it is anything but a plain INSERT.

    Its ON CONFLICT is made of columns, EXCLUDED and constants: every row alone says what
    becomes of it, given the row that is there.
    """
    try:
        return _Reader(text).insert()
    except _NotPlain:
        return None


class _NotPlain(Exception):
    """There is something in the statement that this file does not know."""


class _Reader:
    """Reads a statement from its first token on."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = significant(text, "postgresql")
        self._at = 0

    def insert(self) -> Insert:
        self._expect("INSERT", "INTO")
        table = self._name()

        if self._accept("."):
            table += "." + self._name()

        head = f"{table} AS {self._name()}" if self._accept("AS") else table
        columns = self._list()
        names = tuple(map(_called, columns))
        self._expect("VALUES")
        order = [_parameter(token) for token in self._list()]

        if sorted(order) != list(range(1, len(columns) + 1)):
            raise _NotPlain

        by_parameter = [order.index(number) for number in range(1, len(columns) + 1)]
        conflict, updates = self._conflict()
        return Insert(
            table=table,
            head=head,
            columns=tuple(columns[position].text for position in by_parameter),
            names=tuple(names[position] for position in by_parameter),
            conflict=conflict,
            updates=updates,
        )

    def _next(self) -> Token:
        if self._at >= len(self._found):
            raise _NotPlain

        self._at += 1
        return self._found[self._at - 1]

    def _accept(self, word: str) -> bool:
        """Step over a keyword or a character where it comes next."""
        token = self._found[self._at] if self._at < len(self._found) else None
        accepted = token is not None and word in (token.keyword, token.text)
        self._at += accepted
        return accepted

    def _expect(self, *words: str) -> None:
        for word in words:
            if not self._accept(word):
                raise _NotPlain

    def _name(self) -> str:
        token = self._next()

        if token.kind not in _NAMES:
            raise _NotPlain

        return token.text

    def _list(self) -> list[Token]:
        """Read ``(a, b)`` of single tokens."""
        self._expect("(")
        found = [self._next()]

        while self._accept(","):
            found.append(self._next())

        self._expect(")")
        return found

    def _conflict(self) -> tuple[str, frozenset[str] | None]:
        """Read ON CONFLICT to the end of the statement."""
        if self._at == len(self._found):
            return "", None

        text = self._text[self._found[self._at].start :]
        self._expect("ON", "CONFLICT")

        # The index that is meant; what is indexed is immutable.
        while not self._accept("DO"):
            self._refuse(self._next())

        if self._accept("NOTHING"):
            updates = None
        else:
            self._expect("UPDATE", "SET")
            updates = self._assignments()

        if self._at != len(self._found):
            raise _NotPlain

        return text, updates

    def _assignments(self) -> frozenset[str]:
        """Read ``a = ..., b = ... WHERE ...``; return the columns set."""
        names = {self._assigned()}
        depth = 0

        while self._at < len(self._found):
            token = self._next()
            self._check(token)
            depth += {"(": 1, ")": -1}.get(token.text, 0)

            if token.keyword == "WHERE" and not depth:
                self._condition()
            elif token.text == "," and not depth:
                names.add(self._assigned())

        return frozenset(names)

    def _condition(self) -> None:
        while self._at < len(self._found):
            self._check(self._next())

    def _assigned(self) -> str:
        name = _called(self._next())
        self._expect("=")
        return name

    def _check(self, token: Token) -> None:
        """Refuse what is no column, no constant, no operator: above all a function."""
        self._refuse(token)
        following = self._found[self._at : self._at + 1]

        if token.kind not in _NAMES or not following or following[0].text != "(":
            return

        before = self._found[self._at - 2]

        if token.keyword not in _BEFORE_PARENTHESIS or before.text == ".":
            raise _NotPlain

    def _refuse(self, token: Token) -> None:
        if token.kind is TokenKind.PARAMETER or token.keyword in _QUERIES:
            raise _NotPlain


def _parameter(token: Token) -> int:
    if token.kind is not TokenKind.PARAMETER:
        raise _NotPlain

    return int(token.text[1:])


def _called(token: Token) -> str:
    """Return the name of a column; PostgreSQL folds the letters of ASCII only."""
    if token.kind is TokenKind.QUOTED:
        return unquoted(token, "postgresql")

    if token.kind is not TokenKind.WORD:
        raise _NotPlain

    return token.text.translate(_LOWER)
