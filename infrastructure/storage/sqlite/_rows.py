"""Runs a statement on a SQLite connection and makes its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ..._core.secrets import scrub
from .._outputs import Outputs
from .._result_names import refuse_twins
from .._statement import Statement, StatementKind
from .._types import ColumnType
from ._casts import rewrite_casts
from ._columns import Column, column_for, each_alone
from .converters import CAST_CONVERTERS
from .values import encode_any, encoder_for

__all__ = ["Output", "Plan", "fetch", "make_rows", "open_cursor", "read_rows"]

Convert = Callable[[Any], Any]
Output = tuple[tuple[str, ...], list[tuple[int, Convert]]]
"""The names of the columns, and the converters, by position, that the driver cannot apply."""

# Two slow reads among ten send a statement to a thread for so many runs.
_STRIKES = 2.0
_FORGIVEN = 0.125
_REST = 100


class Plan:
    """What is known of one SQL text: how its parameters go in and its rows come out."""

    __slots__ = (
        "_columns",
        "_encoders",
        "_output",
        "_outputs",
        "_types",
        "here",
        "parameters",
        "reads",
        "rest",
        "shown",
        "sql",
        "statement",
        "strikes",
        "threaded",
        "tried",
        "version",
    )

    def __init__(
        self,
        statement: Statement,
        types: Sequence[Optional[ColumnType]],
        outputs: Outputs,
        *,
        threaded: bool,
        version: Optional[int],
    ) -> None:
        self.statement = statement
        # Asked at every call of a statement that is known.
        self.reads = statement.kind is StatementKind.READ
        self.parameters = statement.parameters
        self.sql = rewrite_casts(statement.sqlite_text)
        # What an error shows of the statement.
        self.shown = repr(scrub(statement.text[:80]))
        self.tried = f"execute {self.shown}"
        self._encoders = [encode_any if kind is None else encoder_for(kind) for kind in types]
        self._types = types
        self._columns: Optional[list[Column]] = None
        self._outputs = outputs
        self.threaded = threaded
        self.version = version
        # How its reads on the event loop went, and how many more go to a thread.
        self.strikes = 0.0
        self.rest = 0
        # Its output for the connection on the loop, and after how many compilations that was made.
        self.here: Optional[tuple[int, Output]] = None
        # The names as SQLite reports them, and what was made of them.
        self._output: Optional[tuple[list[str], Output]] = None

    @property
    def is_named(self) -> bool:
        """Whether its output names were seen to be good."""
        return self._output is not None

    def was_slow(self) -> None:
        """Note a read that was slow on the event loop: it, or the next one, goes to a thread."""
        self.strikes += 1
        self.rest = 1

        if self.strikes >= _STRIKES:
            self.strikes = 1.0
            self.rest += _REST

    def was_fast(self) -> None:
        """Note a fast read after a slow one: a busy machine makes any read slow now and then."""
        self.strikes = max(0.0, self.strikes - _FORGIVEN)

    def encode(self, params: Sequence[Any]) -> list[Any]:
        """Return ``params`` as SQLite takes them, or raise ``ValidationError``."""
        return [encode(value) for encode, value in zip(self._encoders, params, strict=True)]

    def encode_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Return many ``params``; where one is wrong the error does not say which row it is of."""
        if self._columns is None:
            self._columns = [
                each_alone if kind is None else column_for(kind) for kind in self._types
            ]

        columns: list[Sequence[Any]] = []

        for values, encode_column, encode in zip(
            zip(*rows, strict=True), self._columns, self._encoders, strict=True
        ):
            column = encode_column(values)
            columns.append([encode(value) for value in values] if column is None else column)

        # Of a statement without parameters nothing would be left.
        return list(zip(*columns, strict=True)) if columns else [()] * len(rows)

    def output(self, description: Sequence[Sequence[Any]]) -> Output:
        """Return what becomes of the columns that SQLite describes."""
        reported = [column[0] for column in description]
        known = self._output

        if known is None or known[0] != reported:
            names = tuple(self._outputs.names(reported))
            refuse_twins(names, reported)
            converts = [
                (position, CAST_CONVERTERS[cast])
                for position, cast in enumerate(self._outputs.casts(len(names)))
                if cast is not None and cast in CAST_CONVERTERS
            ]
            known = self._output = (reported, (names, converts))

        return known[1]


def fetch(con: sqlite3.Connection, plan: Plan, params: Sequence[Any]) -> list[dict[str, Any]]:
    """Run the statement and return all its rows."""
    if plan.statement.has_returning and not plan.is_named and con.in_transaction:
        return _fetch_undoable(con, plan, params)

    cursor = con.execute(plan.sql, params)
    return [] if cursor.description is None else read_all(cursor, plan)


def _fetch_undoable(
    con: sqlite3.Connection, plan: Plan, params: Sequence[Any]
) -> list[dict[str, Any]]:
    """Run a write whose columns nobody has seen yet, so that bad names change nothing."""
    con.execute("SAVEPOINT infrastructure_names")

    try:
        rows = read_all(con.execute(plan.sql, params), plan)
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK TO SAVEPOINT infrastructure_names")
            con.execute("RELEASE SAVEPOINT infrastructure_names")

        raise

    con.execute("RELEASE SAVEPOINT infrastructure_names")
    return rows


def open_cursor(con: sqlite3.Connection, plan: Plan, params: Sequence[Any]) -> sqlite3.Cursor:
    """Run a query and return its cursor, to be read by and by."""
    cursor = con.execute(plan.sql, params)

    try:
        plan.output(cursor.description)
    except BaseException:
        cursor.close()
        raise

    return cursor


def read_all(cursor: sqlite3.Cursor, plan: Plan) -> list[dict[str, Any]]:
    """Return all rows of the cursor as ``dict``; it is at its end then, or closed."""
    try:
        rows = cursor.fetchall()
        return make_rows(plan.output(cursor.description), rows)
    except BaseException:
        # A text that is not UTF-8, say. The traceback holds the cursor for as long as somebody
        # keeps the error, and the cursor its connection's snapshot, or the end of its COMMIT.
        cursor.close()
        raise


def read_rows(cursor: sqlite3.Cursor, plan: Plan, count: int) -> list[dict[str, Any]]:
    """Return the next ``count`` rows of the cursor as ``dict``."""
    return make_rows(plan.output(cursor.description), cursor.fetchmany(count))


def make_rows(output: Output, rows: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Return ``rows`` as ``dict``."""
    names, converts = output
    made = [dict(zip(names, row)) for row in rows]  # noqa: B905 - SQLite gives as many as it names

    for position, convert in converts:
        name = names[position]

        for row in made:
            if row[name] is not None:
                row[name] = convert(row[name])

    return made
