"""What an SQL text is: one statement, its kind, its parameters; found once a text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from ..interfaces.exceptions import ValidationError
from ._classify import StatementKind, classify
from ._tokens import Dialect, Token, TokenKind, significant, tokens, unquoted

__all__ = ["Statement", "StatementKind", "excerpt", "parse_statement"]

_CACHED = 1024
_CACHED_LENGTH = 16 * 1024
_MOST_PARAMETERS = {"postgresql": 65535, "sqlite": 32766}


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement.

    ``kind``             what it does; ``keywords``: its first words, in upper case.
    ``text``             the text without a final ``;``; ``sqlite_text``: its parameters as ``?n``.
    ``parameters``       the highest ``n`` of ``$n``.
    ``has_returning``    it is a write that gives rows.
    ``functions``        what it calls, in lower case (and other words before a parenthesis).
    ``touches_session``  the connection must be reset before somebody else gets it.
    ``plain``            it reads or writes rows and may run anywhere: ``refuse`` has no say.
    ``foreign``          the first thing that looks like a placeholder of another style.
    """

    dialect: Dialect
    kind: StatementKind
    keywords: tuple[str, ...]
    text: str
    sqlite_text: str
    parameters: int
    has_returning: bool
    functions: frozenset[str]
    touches_session: bool
    plain: bool
    foreign: str | None

    @property
    def gives_rows(self) -> bool:
        """Whether its rows are the caller's: of other writes some drivers give a count."""
        writes = self.kind in (StatementKind.WRITE, StatementKind.DDL)
        return self.has_returning or not writes


def parse_statement(text: str, *, dialect: Dialect = "postgresql") -> Statement:
    """Return what ``text`` is, or raise ``ValidationError`` where it is not one statement."""
    # A str subclass could hash and compare as it likes.
    if type(text) is not str:
        text = _plain(text)

    return (_cached if len(text) <= _CACHED_LENGTH else _parse)(text, dialect)


def excerpt(text: str) -> str:
    """Return the beginning of an SQL text on one line, for the text of an error."""
    line = " ".join(text[:200].split())
    return line if len(line) <= 80 else f"{line[:77]}..."


def _plain(text: Any) -> str:
    if not isinstance(text, str):
        msg = f"a query is a str of SQL, got {type(text).__name__}"
        raise ValidationError(msg)

    return str.__str__(text)


def _parse(text: str, dialect: Dialect) -> Statement:
    _check_characters(text)
    found = significant(text, dialect)
    _check_tokens(found, dialect)
    inner, ends = _one_statement(found, dialect)
    marks = _parameters(inner, dialect)
    text = _replace(text, [(token, "") for token in ends])
    verdict = classify(inner, dialect)
    rewritten = ""

    if dialect == "sqlite":
        kept = [token for token in tokens(text, dialect) if token.kind is TokenKind.PARAMETER]
        rewritten = _replace(text, [(token, "?" + token.text[1:]) for token in kept])

    return Statement(
        dialect=dialect,
        kind=verdict.kind,
        keywords=verdict.keywords,
        text=text,
        sqlite_text=rewritten,
        parameters=max(marks, default=0),
        has_returning=verdict.has_returning,
        functions=_functions(inner, dialect),
        touches_session=verdict.touches_session,
        plain=verdict.plain,
        foreign=_foreign(inner),
    )


_cached = lru_cache(maxsize=_CACHED)(_parse)


def _check_characters(text: str) -> None:
    if "\0" in text:
        msg = f"the query contains NUL: {excerpt(text.replace(chr(0), ' '))}"
        raise ValidationError(msg)

    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            msg = f"the query cannot be encoded in UTF-8: {exc.reason} at character {exc.start}"
            raise ValidationError(msg) from exc


def _check_tokens(found: list[Token], dialect: Dialect) -> None:
    """Refuse what ends nowhere, and on SQLite the placeholders that it would bind silently."""
    for token in found:
        if token.kind is TokenKind.BROKEN:
            msg = f"the query has no end of what begins at character {token.start}: {excerpt(token.text)}"
            raise ValidationError(msg, sqlstate="42601")

        if token.kind is TokenKind.PLACEHOLDER:
            msg = (
                f"the query contains the placeholder {token.text[:60]!r}: placeholders are written "
                "$1, $2 ... in the order of the parameters"
            )
            raise ValidationError(msg, sqlstate="42601")


def _one_statement(found: list[Token], dialect: Dialect) -> tuple[list[Token], list[Token]]:
    """Return the tokens of the one statement, and the semicolons outside it."""
    ends = _semicolons(found)
    inner = [token for token in found if token not in ends]

    if not inner:
        msg = "the query is empty: there is no statement in it"
        raise ValidationError(msg, sqlstate="42601")

    first, last = inner[0].start, inner[-1].start
    between = [token for token in ends if first < token.start < last]

    if between:
        second = next(token for token in inner if token.start > between[0].start)
        msg = (
            "one statement a call, the query has a second one at character "
            f"{second.start} ({second.text[:40]!r}); several belong together in "
            "`async with storage.transaction():`"
        )
        raise ValidationError(msg, sqlstate="42601")

    return inner, list(ends)


def _semicolons(found: list[Token]) -> dict[Token, None]:
    """Return the semicolons that end a statement: not those in the body of one."""
    ends: dict[Token, None] = {}
    depth = blocks = 0
    head: list[str] = []

    for token in found:
        if len(head) < 6:
            head.append(token.keyword)

        if token.text in ("(", ")"):
            depth += 1 if token.text == "(" else -1
        elif token.text == ";" and depth <= 0 and not blocks:
            ends[token] = None
        elif token.keyword and head[0] == "CREATE" and _has_body(head):
            blocks = _blocks(blocks, token.keyword)

    return ends


def _has_body(head: list[str]) -> bool:
    return not {"TRIGGER", "FUNCTION", "PROCEDURE"}.isdisjoint(head)


def _blocks(blocks: int, keyword: str) -> int:
    """Count BEGIN ... END and CASE ... END, as in a trigger of SQLite and in BEGIN ATOMIC."""
    if keyword == "BEGIN" or (keyword == "CASE" and blocks):
        return blocks + 1

    return blocks - 1 if keyword == "END" and blocks else blocks


def _parameters(inner: list[Token], dialect: Dialect) -> set[int]:
    most = _MOST_PARAMETERS[dialect]
    # The length first: int() of thousands of digits is refused by Python itself.
    texts = {token.text for token in inner if token.kind is TokenKind.PARAMETER}
    marks = {int(text[1:]) if len(text) <= 8 else most + 1 for text in texts}

    if marks and not 1 <= min(marks) <= max(marks) <= most:
        msg = f"placeholders are $1 to ${most}, the query contains {max(texts, key=len)[:20]}"
        raise ValidationError(msg, sqlstate="42P02")

    return marks


def _functions(inner: list[Token], dialect: Dialect) -> frozenset[str]:
    names = (TokenKind.WORD, TokenKind.QUOTED)
    return frozenset(
        unquoted(token, dialect).lower()
        for token, following in pairwise(inner)
        if following.text == "(" and token.kind in names
    )


def _foreign(inner: list[Token]) -> str | None:
    """Return what looks like ``?``, ``%s``, ``%(name)s``, ``:name`` or ``@name``."""
    for token, following in zip(inner, [*inner[1:], None], strict=True):
        if token.text == "?":
            return "?"

        if following is None or following.start != token.start + 1:
            continue

        if token.text == "%" and following.text in ("s", "("):
            return "%s"

        if token.text in (":", "@") and following.kind is TokenKind.WORD:
            return token.text + following.text

    return None


def _replace(text: str, changes: list[tuple[Token, str]]) -> str:
    """Return ``text`` with each token, in order, replaced."""
    if not changes:
        return text

    pieces, position = [], 0

    for token, new in changes:
        pieces += [text[position : token.start], new]
        position = token.start + len(token.text)

    return "".join([*pieces, text[position:]])
