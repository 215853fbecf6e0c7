"""Cuts SQL text into tokens, as PostgreSQL and as SQLite read it; joined, they are the text again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import Literal, NamedTuple

__all__ = ["Dialect", "Token", "TokenKind", "significant", "tokens", "unquoted"]

Dialect = Literal["postgresql", "sqlite"]


class TokenKind(Enum):
    """What a token is."""

    SPACE = auto()
    COMMENT = auto()
    WORD = auto()
    """A keyword or an identifier without quotes."""
    QUOTED = auto()
    """An identifier in quotes."""
    STRING = auto()
    NUMBER = auto()
    PARAMETER = auto()
    """``$n``."""
    PLACEHOLDER = auto()
    """A spelling that SQLite would bind and we do not: ``?``, ``:name``, ``@name``, ``$name``."""
    PUNCTUATION = auto()
    """One character of anything else, or ``::`` and ``:=``."""
    BROKEN = auto()
    """A literal, identifier or comment without its end: the rest of the text."""


class Token(NamedTuple):
    """A piece of SQL text that begins at ``start``."""

    kind: TokenKind
    text: str
    start: int

    @property
    def keyword(self) -> str:
        """The word in upper case; empty where it cannot be a keyword."""
        # Only ASCII: upper() turns the dotless i into an I.
        return self.text.upper() if self.kind is TokenKind.WORD and self.text.isascii() else ""


# Both count every character beyond ASCII as a letter, the zero-width non-joiner too.
_LETTER = r"[A-Za-z_]|[^\x00-\x7f]"
_WORD = rf"(?:{_LETTER})(?:[A-Za-z_0-9$]|[^\x00-\x7f])*+"
_NUMBER = (
    r"0[xX][0-9a-fA-F_]++|(?:[0-9][0-9_]*+(?:\.[0-9_]*+)?|\.[0-9][0-9_]*+)(?:[eE][+-]?[0-9]++)?"
)
_ESCAPED = r"'(?:[^'\\]|\\.|'')*+'"

_POSTGRESQL = re.compile(
    rf"""(?P<space>[ \t\n\r\f\v]++)
    |(?P<comment>--[^\n\r]*+)
    |(?P<block>/\*)
    |(?P<string>[eE]{_ESCAPED}(?:[ \t\f\v]*[\n\r][ \t\n\r\f\v]*{_ESCAPED})*+|'(?:[^']|'')*+')
    |(?P<dollar>\$(?:(?:{_LETTER})(?:[A-Za-z_0-9]|[^\x00-\x7f])*+)?\$)
    |(?P<parameter>\$[0-9]++)
    |(?P<quoted>"(?:[^"]|"")*+")
    |(?P<number>{_NUMBER})
    |(?P<broken>['"]|[eE]')
    |(?P<word>{_WORD})
    |(?P<punctuation>::|:=|.)""",
    re.VERBOSE | re.DOTALL,
)

_SQLITE = re.compile(
    rf"""(?P<space>[ \t\n\r\f\v]++)
    |(?P<comment>--[^\n]*+|/\*(?:.*?\*/|.*))
    |(?P<string>'(?:[^']|'')*+')
    |(?P<parameter>\$[0-9]++(?![A-Za-z_$]|[^\x00-\x7f]))
    |(?P<placeholder>\?[0-9]*+|[:@\#$](?:[A-Za-z_0-9$]|[^\x00-\x7f])++)
    |(?P<quoted>"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]]*+\])
    |(?P<number>{_NUMBER})
    |(?P<broken>['"`\[])
    |(?P<word>{_WORD})
    |(?P<punctuation>::|:=|.)""",
    re.VERBOSE | re.DOTALL,
)

_PATTERNS = {"postgresql": _POSTGRESQL, "sqlite": _SQLITE}
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_SKIPPED = (TokenKind.SPACE, TokenKind.COMMENT)


def tokens(text: str, dialect: Dialect) -> Iterator[Token]:
    """Give every token of ``text``, spaces and comments too; never fails."""
    pattern, position = _PATTERNS[dialect], 0

    # The last alternative of a pattern takes any character: only the end stops it.
    while match := pattern.match(text, position):
        kind, end = _measure(text, match)
        yield Token(kind, text[position:end], position)
        position = end


@lru_cache(maxsize=8)
def significant(text: str, dialect: Dialect) -> list[Token]:
    """Return the tokens that are neither space nor comment; not to be changed.

    A statement is looked at from several sides one after another: it is cut once.
    """
    return [token for token in tokens(text, dialect) if token.kind not in _SKIPPED]


def unquoted(token: Token, dialect: Dialect) -> str:
    """Return the name that an identifier stands for; PostgreSQL folds one without quotes."""
    if token.kind is TokenKind.QUOTED:
        opening = token.text[0]
        inner = token.text[1:-1]
        return inner if opening == "[" else inner.replace(opening * 2, opening)

    return token.text.lower() if dialect == "postgresql" else token.text


def _measure(text: str, match: re.Match[str]) -> tuple[TokenKind, int]:
    """Return the kind and the end of the token that ``match`` begins."""
    group = match.lastgroup or "punctuation"

    if group == "block":
        return _block_comment(text, match.end())

    if group == "dollar":
        end = text.find(match.group(), match.end())
        return (
            (TokenKind.BROKEN, len(text))
            if end < 0
            else (TokenKind.STRING, end + len(match.group()))
        )

    if group == "broken":
        return TokenKind.BROKEN, len(text)

    return TokenKind[group.upper()], match.end()


def _block_comment(text: str, position: int) -> tuple[TokenKind, int]:
    """Return the end of a comment whose opening ends at ``position``; PostgreSQL nests them."""
    depth = 1

    while depth:
        edge = _BLOCK_EDGE.search(text, position)

        if edge is None:
            return TokenKind.BROKEN, len(text)

        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()

    return TokenKind.COMMENT, position
