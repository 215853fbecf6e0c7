"""What the result columns of a statement are called and cast to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ._tokens import Dialect, Token, TokenKind, significant, unquoted

__all__ = ["Output", "Outputs", "output_name", "outputs"]


@dataclass(frozen=True, slots=True)
class Output:
    """One item of a select list.

    ``name``   PostgreSQL's name of an expression without an alias; ``None`` where the
               database's own answer is right.
    ``label``  what the text itself calls it: by its alias, its function or its column.
    ``cast``   the type of a ``CAST(... AS type)``, in lower case.
    """

    name: str | None
    label: str | None
    cast: str | None


@dataclass(frozen=True, slots=True)
class Outputs:
    """The items before the first ``*`` of a select list, and those after the last one."""

    before: tuple[Output, ...]
    after: tuple[Output, ...]
    star: bool

    def names(self, described: Sequence[str]) -> list[str]:
        """Return the names of the columns that the database calls ``described``."""
        items = self._aligned(len(described))
        return [
            name if item is None or item.name is None else item.name
            for name, item in zip(described, items, strict=True)
        ]

    def labels(self) -> list[str]:
        """Return the names that are known before the database is asked."""
        return [item.label for item in (*self.before, *self.after) if item.label is not None]

    def casts(self, count: int) -> list[str | None]:
        """Return for each of ``count`` columns the type it is cast to."""
        return [None if item is None else item.cast for item in self._aligned(count)]

    def _aligned(self, count: int) -> list[Output | None]:
        unknown = count - len(self.before) - len(self.after)

        if unknown < 0 or (unknown and not self.star):
            return [None] * count

        return [*self.before, *[None] * unknown, *self.after]


_NAMES = (TokenKind.WORD, TokenKind.QUOTED)
# What ends a select list, at its own level.
_ENDS = frozenset(
    {"FROM", "INTO", "WHERE", "GROUP", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT"}
    | {"ORDER", "LIMIT", "OFFSET", "FETCH", "FOR"}
)
# What may follow the parenthesis of a function call and does not change its name.
_CLAUSES = frozenset({"OVER", "FILTER", "WITHIN"})
_BARE_FUNCTIONS = frozenset({"CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"})
# What stands before a parenthesis and is no function.
_NOT_FUNCTIONS = frozenset(
    {"AND", "CASE", "IN", "IS", "LIKE", "NOT", "OR", "SELECT", "VALUES", "WHEN", "BETWEEN"}
)
# Words that end an expression and name nothing.
_NO_ALIASES = frozenset({"END", "NULL", "ISNULL", "NOTNULL", "TRUE", "FALSE"})
# The names of PostgreSQL's catalogue, by which it calls the column of a cast without a name.
_INTERNAL = {
    "smallint": "int2",
    "integer": "int4",
    "int": "int4",
    "bigint": "int8",
    "real": "float4",
    "float": "float8",
    "double precision": "float8",
    "decimal": "numeric",
    "boolean": "bool",
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}


@lru_cache(maxsize=1024)
def outputs(text: str, *, dialect: Dialect = "sqlite") -> Outputs:
    """Return the result columns of the outermost SELECT or RETURNING of one statement."""
    items = _items(_select_list(significant(text, dialect)))
    stars = [position for position, item in enumerate(items) if item[-1].text == "*"]
    first, last = (stars[0], stars[-1]) if stars else (len(items), len(items) - 1)
    return Outputs(
        before=tuple(_output(item, dialect) for item in items[:first]),
        after=tuple(_output(item, dialect) for item in items[last + 1 :]),
        star=bool(stars),
    )


def output_name(text: str, *, dialect: Dialect = "sqlite") -> str:
    """Return what PostgreSQL would call the column of an expression; else ``text`` itself."""
    return _expression_name(significant(text, dialect), dialect) or text


def _select_list(found: list[Token]) -> list[Token]:
    """Return the tokens of the select list: RETURNING's, else those of the first outer SELECT."""
    depth, start, end = 0, None, len(found)

    # `(SELECT ...) UNION ...`: the first one is inside its parenthesis.
    outer = next((i for i, token in enumerate(found) if token.text != "("), 0)

    for position, token in enumerate(found[outer:], outer):
        if token.text in ("(", ")"):
            depth += 1 if token.text == "(" else -1

        if depth < 0:
            end = position if start is not None else end
            break

        if depth:
            continue

        if token.keyword == "RETURNING" or (token.keyword == "SELECT" and start is None):
            start, end = position + 1, len(found)
        elif start is not None and end == len(found) and token.keyword in _ENDS:
            end = position

    return [] if start is None else _without_distinct(found[start:end])


def _without_distinct(items: list[Token]) -> list[Token]:
    if not items or items[0].keyword not in ("DISTINCT", "ALL"):
        return items

    if [token.keyword for token in items[:2]] != ["DISTINCT", "ON"]:
        return items[1:]

    return items[_closing(items, 2) + 1 :]


def _items(select_list: list[Token]) -> list[list[Token]]:
    """Split at the commas outside parentheses."""
    depth, items = 0, [list[Token]()]

    for token in select_list:
        depth += {"(": 1, ")": -1}.get(token.text, 0)

        if token.text == "," and not depth:
            items.append([])
        else:
            items[-1].append(token)

    return [item for item in items if item]


def _output(item: list[Token], dialect: Dialect) -> Output:
    expression = _without_alias(item)
    cast = _cast(expression)

    if expression is not item:
        return Output(None, unquoted(item[-1], dialect), cast and cast[1])

    name = _expression_name(expression, dialect)
    return Output(name, name or _column(expression, dialect), cast and cast[1])


def _without_alias(item: list[Token]) -> list[Token]:
    if len(item) > 2 and item[-2].keyword == "AS":
        return item[:-2]

    if len(item) < 2 or item[-1].kind not in _NAMES or item[-1].keyword in _NO_ALIASES:
        return item

    return item[:-1] if _ends_expression(item[-2]) else item


def _ends_expression(token: Token) -> bool:
    """Return whether a name after ``token`` is an alias, not a part of the expression."""
    if token.kind is TokenKind.WORD:
        return token.keyword not in _NOT_FUNCTIONS | {"OVER", "DISTINCT", "COLLATE", "AS"}

    return token.text == ")" or token.kind not in (TokenKind.PUNCTUATION, TokenKind.WORD)


def _closing(items: list[Token], opening: int) -> int:
    """Return where the parenthesis of ``opening`` closes, or the last position."""
    depth = 0

    for position in range(opening, len(items)):
        depth += {"(": 1, ")": -1}.get(items[position].text, 0)

        if not depth:
            return position

    return len(items) - 1


def _bare(expression: list[Token]) -> list[Token]:
    """Take away the parentheses around an expression."""
    while (
        len(expression) > 2
        and expression[0].text == "("
        and _closing(expression, 0) == len(expression) - 1
    ):
        expression = expression[1:-1]

    return expression


def _cast(expression: list[Token]) -> tuple[list[Token], str] | None:
    """Return what a ``CAST(... AS type)`` casts, and the type in lower case."""
    expression = _bare(expression)
    words = [token.keyword for token in expression]

    if words[:1] != ["CAST"] or len(words) < 6 or _closing(expression, 1) != len(words) - 1:
        return None

    inner = expression[2:-1]
    depth, split = 0, None

    for position, token in enumerate(inner):
        depth += {"(": 1, ")": -1}.get(token.text, 0)

        if token.keyword == "AS" and not depth:
            split = position

    if split is None:
        return None

    return inner[:split], _type_text(inner[split + 1 :])


def _type_text(tokens: list[Token]) -> str:
    """Return the words of a type without its arguments."""
    return " ".join(token.text.strip('"').lower() for token in tokens if token.kind in _NAMES)


def _expression_name(expression: list[Token], dialect: Dialect) -> str | None:
    """Return PostgreSQL's name of an expression, where it is one of the expression's words."""
    expression = _bare(expression)
    cast = _cast(expression)

    if cast is not None:
        return _expression_name(cast[0], dialect) or _column(cast[0], dialect) or _internal(cast[1])

    if len(expression) == 1 and expression[0].keyword in _BARE_FUNCTIONS:
        return expression[0].text.lower()

    opening = next((i for i, token in enumerate(expression) if token.text == "("), 0)

    if not opening or not _is_qualified_name(expression[:opening]):
        return None

    following = expression[_closing(expression, opening) + 1 :][:1]

    if expression[opening - 1].keyword in _NOT_FUNCTIONS:
        return None

    if following and following[0].keyword not in _CLAUSES:
        return None

    return unquoted(expression[opening - 1], dialect).lower()


def _is_qualified_name(tokens: list[Token]) -> bool:
    names, dots = tokens[::2], tokens[1::2]
    return (
        len(tokens) % 2 == 1
        and all(token.kind in _NAMES for token in names)
        and all(token.text == "." for token in dots)
    )


def _column(expression: list[Token], dialect: Dialect) -> str | None:
    expression = _bare(expression)
    return unquoted(expression[-1], dialect) if _is_qualified_name(expression) else None


def _internal(type_text: str) -> str:
    return _INTERNAL.get(type_text, type_text)
