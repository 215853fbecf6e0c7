"""What the server said of an SQL text: the types of its parameters, the columns of its result."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from psycopg.pq.abc import PGresult

from ..._core.secrets import scrub
from ...interfaces.exceptions import OperationError
from .._parameters import check_parameters
from .._result_names import refuse_twins
from .._statement import Statement, StatementKind
from .._targets import targets
from .values import Parameters, Rows, declared, python_types

__all__ = ["Plan", "Plans"]

_CACHED = 1024
_GROUPS = frozenset({("INSERT",), ("UPDATE",), ("DELETE",), ("MERGE",)})
"""First words of the statements that may share a commit."""
_MOST_ROWS = 1000
"""Rows that a statement on a shared connection gives at most."""
_FAST = 0.005
"""Seconds: a statement that usually takes no longer may share a connection with others."""


class Plan:
    """One text with one set of declared types; shared by all connections of a storage.

    ``declared``  the types that were declared to the server, ``()`` where none was.
    ``oids``      the types of its parameters, as the server found them.
    ``columns``   the name and the type of each column of its result.
    ``rows``      reads its result; ``None`` where it has none.
    ``format``    of the result: 1 is binary.
    ``changes``   whether it writes.
    ``groups``    whether it may share a commit with writes of other tasks.
    ``seconds``   how long it takes, about; ``inf`` until that is known.
    ``changed``   a result came that has other columns.
    """

    __slots__ = (
        "changed",
        "changes",
        "columns",
        "count",
        "declared",
        "format",
        "groups",
        "oids",
        "parameters",
        "plain",
        "rows",
        "seconds",
        "shown",
        "sql",
        "statement",
        "tried",
    )

    def __init__(
        self, statement: Statement, described: PGresult, declared: tuple[int, ...] = ()
    ) -> None:
        self.statement = statement
        self.declared = declared
        self.changed = False
        self.sql = statement.text.encode()
        self.count = statement.parameters
        self.shown = self.show(statement)
        self.tried = f"execute {self.shown}"
        self.oids = [described.param_type(number) for number in range(described.nparams)]
        self.parameters = Parameters(self.oids)
        names, types = names_of(described), types_of(described)
        refuse_twins(names, names)
        self.columns = list(zip(names, types, strict=True))
        self.rows = Rows(names, types) if names else None
        self.format = 0 if self.rows is None else self.rows.format
        self.plain = statement.plain
        self.changes = statement.kind is StatementKind.WRITE
        self.groups = statement.plain and statement.keywords[:1] in _GROUPS
        self.seconds = float("inf")

    @staticmethod
    def show(statement: Statement) -> str:
        """Return the beginning of a statement for the text of an error."""
        return repr(scrub(statement.text[:80]))

    @property
    def is_fast(self) -> bool:
        """Whether it may run on a connection that others wait for."""
        return self.seconds <= _FAST

    def is_fast_for(self, rows: int) -> bool:
        """Whether it may run there for so many rows at once, each without a result."""
        return self.changes and self.rows is None and self.seconds * rows <= _FAST

    def is_like(self, other: Plan) -> bool:
        """Return whether the server described both in the same way."""
        return self.oids == other.oids and self.columns == other.columns

    def took(self, seconds: float, rows: int) -> None:
        """Note how long one run took, and how many rows it gave."""
        known = self.seconds
        self.seconds = seconds if known == float("inf") else known + (seconds - known) / 8

        if rows > _MOST_ROWS:
            # Whoever comes behind on a shared connection would wait for all of them.
            self.seconds = max(self.seconds, _FAST * 2)

    def look_at(self, result: PGresult) -> None:
        """Note whether a result has the columns that were described.

        The server sees to it for as long as a statement is prepared, and not for the first
        result after it was: somebody else may have changed the table since the description.
        """
        if self.columns != list(zip(names_of(result), types_of(result), strict=True)):
            self.changed = True

    def reader(self, result: PGresult) -> Rows | None:
        """Return what reads a result; ``None`` where it has no columns."""
        if not self.changed:
            return self.rows

        names, types = names_of(result), types_of(result)
        refuse_twins(names, names)
        rows = Rows(names, types, text=not self.format)

        if rows.format != self.format:
            msg = f"{self.tried}: it is done, but its columns have changed: the rows are unreadable"
            raise OperationError(msg, outcome="applied")

        return rows if names else None

    def check(self, params: Sequence[object] | None) -> Sequence[object]:
        """Return ``params`` as a list or tuple of the right length."""
        return check_parameters(self.statement, params)


def names_of(described: PGresult) -> list[str]:
    """Return the names of the columns of a result."""
    names = (described.fname(number) or b"" for number in range(described.nfields))
    # Those of the server are right: others were damaged on the way.
    return [name.decode(errors="replace") for name in names]


def types_of(result: PGresult) -> list[int]:
    """Return the OIDs of the types of the columns of a result."""
    return [result.ftype(number) for number in range(result.nfields)]


class Plans:
    """Plans by text and declared types; those used least recently are forgotten first."""

    def __init__(self) -> None:
        self._plans: OrderedDict[tuple[str, tuple[int, ...]], Plan] = OrderedDict()
        # Statements for whose parameters the server finds no types: Python's are declared.
        self._untyped: set[str] = set()
        self.fast: dict[str, Plan] = {}
        """Those that are known to be fast, by their text as it came: the short way."""

    def declared(self, statement: Statement, params: Sequence[Any]) -> tuple[int, ...]:
        """Return the types to declare: not for what goes into a column, whose type decides."""
        if statement.text in self._untyped:
            return python_types(params)

        types = declared(params)

        if not types or statement.kind is not StatementKind.WRITE:
            return types

        written = targets(statement.text, dialect="postgresql").parameters
        kept = tuple(0 if n in written else oid for n, oid in enumerate(types, 1))
        return kept if any(kept) else ()

    def is_for(self, plan: Plan, params: Sequence[Any]) -> bool:
        """Return whether a plan that takes ``params`` is the one that they would be given anew.

        Where nothing was declared the server has found the types that these would declare, or
        the plan would not take them.
        """
        return not plan.declared or plan.declared == self.declared(plan.statement, params)

    def leave_to_python(self, statement: Statement) -> None:
        """Declare the types of the Python values from now on: the server finds none."""
        if len(self._untyped) >= _CACHED:
            self._untyped.clear()

        self._untyped.add(statement.text)

    def get(self, statement: Statement, params: Sequence[Any]) -> Plan | None:
        """Return the plan of a statement for parameters of these types."""
        key = (statement.text, self.declared(statement, params))
        plan = self._plans.get(key)

        if plan is not None:
            self._plans.move_to_end(key)

        return plan

    def keep(self, plan: Plan) -> None:
        """Remember a plan."""
        self._plans[plan.statement.text, plan.declared] = plan

        if len(self._plans) > _CACHED:
            self._plans.popitem(last=False)

    def learn(self, query: str, plan: Plan) -> None:
        """Take the short way from now on where the plan has shown to be fast."""
        rows = plan.statement.kind in (StatementKind.READ, StatementKind.WRITE)

        if not (plan.plain and rows and plan.is_fast):
            return

        if len(self.fast) >= _CACHED and query not in self.fast:
            self.fast.clear()

        self.fast[query] = plan

    def forget(self, plan: Plan) -> None:
        """Forget a plan: the server describes the statement otherwise by now."""
        key = (plan.statement.text, plan.declared)

        if self._plans.get(key) is plan:
            del self._plans[key]

        for query in [query for query, known in self.fast.items() if known is plan]:
            del self.fast[query]

    def clear(self) -> None:
        """Forget all: a statement of ours has changed the schema."""
        self._plans.clear()
        self.fast.clear()
