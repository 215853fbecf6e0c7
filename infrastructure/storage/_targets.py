"""Which parameters of an INSERT or UPDATE go into which columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from ._tokens import Dialect, Token, TokenKind, significant, unquoted

__all__ = ["Target", "Targets", "targets"]


@dataclass(frozen=True, slots=True)
class Target:
    """A column that a parameter is written to.

    ``column`` is its name; or, where an INSERT names no columns, ``None``, and ``position``
    counts it from 0.
    """

    column: str | None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the parameters of a write go.

    ``schema``, ``table``  the table written to; ``None`` where the text is not understood.
    ``parameters``         for each n the columns that get ``$n`` alone, not in an expression.
    ``simple``             exactly ``INSERT INTO t (columns) VALUES ($1, ... $n)``, in order;
    ``columns``            then its columns.
    """

    schema: str | None = None
    table: str | None = None
    parameters: Mapping[int, tuple[Target, ...]] = field(default_factory=dict)
    simple: bool = False
    columns: tuple[str, ...] = ()


_NAMES = (TokenKind.WORD, TokenKind.QUOTED)
_SET_ENDS = frozenset({"FROM", "WHERE", "RETURNING", "ORDER", "LIMIT"})


@lru_cache(maxsize=1024)
def targets(text: str, *, dialect: Dialect = "sqlite") -> Targets:
    """Return where the parameters of one statement go; nothing where it is no plain write."""
    reader = _Reader(significant(text, dialect), dialect)
    first = reader.keyword

    if first in ("INSERT", "REPLACE"):
        return reader.insert()

    return reader.update() if first == "UPDATE" else Targets()


class _Reader:
    """Reads a statement from its first token on; what it does not know it leaves out."""

    def __init__(self, found: list[Token], dialect: Dialect) -> None:
        self._found = found
        self._dialect: Dialect = dialect
        self._at = 0
        self._parameters: dict[int, tuple[Target, ...]] = {}

    @property
    def keyword(self) -> str:
        return self._found[self._at].keyword if self._at < len(self._found) else ""

    @property
    def text(self) -> str:
        return self._found[self._at].text if self._at < len(self._found) else ""

    def insert(self) -> Targets:
        plain = self.keyword == "INSERT"
        self._at += 1

        if self.keyword == "OR":
            plain = False
            self._at += 2

        if self.keyword != "INTO" or (name := self._table(self._at + 1)) is None:
            return Targets()

        columns = self._columns() if self.text == "(" else ()

        if columns is None or self.keyword != "VALUES":
            return Targets(*name)

        self._at += 1
        order = self._rows(columns)
        simple = plain and bool(columns) and self._at == len(self._found)
        self._assignments()
        simple = simple and order == list(range(1, len(columns) + 1))
        return Targets(*name, dict(self._parameters), simple, columns if simple else ())

    def update(self) -> Targets:
        self._at += 1

        if self.keyword == "OR":
            self._at += 2

        name = self._table(self._at)

        if name is None:
            return Targets()

        self._assignments()
        return Targets(*name, dict(self._parameters))

    def _table(self, position: int) -> tuple[str | None, str] | None:
        """Read ``t``, ``schema.t``, and an alias; return schema and table."""
        self._at = position
        name = self._name()

        if name is None:
            return None

        schema = None

        if self.text == ".":
            self._at += 1
            schema, name = name, self._name()

        if self.keyword == "AS":
            self._at += 2

        return None if name is None else (schema, name)

    def _name(self) -> str | None:
        if self._at >= len(self._found) or self._found[self._at].kind not in _NAMES:
            return None

        self._at += 1
        return unquoted(self._found[self._at - 1], self._dialect)

    def _columns(self) -> tuple[str, ...] | None:
        """Read ``(a, b)``; ``None`` where there is more in it than names."""
        names: list[str] = []

        while self.text in ("(", ","):
            self._at += 1
            name = self._name()

            if name is None:
                return None

            names.append(name)

        if self.text != ")":
            return None

        self._at += 1
        return tuple(names)

    def _rows(self, columns: tuple[str, ...]) -> list[int]:
        """Read ``(...), (...)``; return the lone parameters of a single row, in order."""
        orders = []

        while self.text == "(":
            orders.append(self._row(columns))

            if self.text != ",":
                break

            self._at += 1

        return orders[0] if len(orders) == 1 else []

    def _row(self, columns: tuple[str, ...]) -> list[int]:
        order = []

        for position, value in enumerate(self._values()):
            target = (
                Target(columns[position]) if position < len(columns) else Target(None, position)
            )
            number = _alone(value)
            order.append(number or 0)

            if number and (not columns or position < len(columns)):
                self._note(number, target)

        return order

    def _values(self) -> list[list[Token]]:
        """Read a parenthesis; return its parts between the commas of its own level."""
        depth, values = 0, [list[Token]()]

        # By index: a copy of the rest for each row would take the square of the rows.
        for position in range(self._at, len(self._found)):
            token = self._found[position]
            self._at = position + 1
            depth += {"(": 1, ")": -1}.get(token.text, 0)

            if not depth:
                break

            if token.text == "," and depth == 1:
                values.append([])
            elif token.text != "(" or depth > 1:
                values[-1].append(token)

        return values

    def _assignments(self) -> None:
        """Note every ``column = $n`` of the SET lists at this level."""
        depth, setting = 0, False
        rest = self._found[self._at :]

        for position, token in enumerate(rest):
            depth += {"(": 1, ")": -1}.get(token.text, 0)

            if depth:
                continue

            if token.keyword == "SET" or token.keyword in _SET_ENDS:
                setting = token.keyword == "SET"
            elif setting and token.text == "=":
                self._assignment(rest, position)

    def _assignment(self, rest: list[Token], position: int) -> None:
        """Note ``column = $n`` with its ``=`` at ``position``."""
        before, column = rest[position - 2 : position]
        number = _alone(rest[position + 1 : position + 2])
        after = rest[position + 2 : position + 3]
        begins = before.keyword == "SET" or before.text == ","
        ends = not after or after[0].text == "," or after[0].keyword in _SET_ENDS

        if number and begins and ends and column.kind in _NAMES:
            self._note(number, Target(unquoted(column, self._dialect)))

    def _note(self, number: int, target: Target) -> None:
        known = self._parameters.get(number, ())

        if target not in known:
            self._parameters[number] = (*known, target)


def _alone(value: list[Token]) -> int | None:
    """Return n where a value is ``$n`` and nothing else."""
    if len(value) == 1 and value[0].kind is TokenKind.PARAMETER:
        return int(value[0].text[1:])

    return None
