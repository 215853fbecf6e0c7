"""Runs a statement on a SQLite connection and makes its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Optional

from ..._core.secrets import scrub
from ...interfaces.exceptions import ValidationError
from .._outputs import Outputs
from .._statement import Statement
from ._casts import rewrite_casts
from .converters import CAST_CONVERTERS

__all__ = ["Plan", "fetch", "make_rows", "open_cursor"]

Convert = Callable[[Any], Any]


class Plan:
    """What is known of one SQL text: how its parameters go in and its rows come out."""

    __slots__ = (
        "_output",
        "_outputs",
        "encoders",
        "shown",
        "slow",
        "sql",
        "statement",
        "threaded",
        "version",
    )

    def __init__(
        self,
        statement: Statement,
        encoders: Sequence[Convert],
        outputs: Outputs,
        *,
        threaded: bool,
        version: Optional[int],
    ) -> None:
        self.statement = statement
        self.sql = rewrite_casts(statement.sqlite_text)
        # What an error shows of the statement.
        self.shown = repr(scrub(statement.text[:80]))
        self.encoders = encoders
        self._outputs = outputs
        self.threaded = threaded
        self.version = version
        self.slow = 0
        # The names as SQLite reports them, ours, and the converters by position.
        self._output: Optional[tuple[list[str], tuple[str, ...], list[tuple[int, Convert]]]] = None

    @property
    def is_named(self) -> bool:
        """Whether its output names were seen to be good."""
        return self._output is not None

    def encode(self, params: Sequence[Any]) -> list[Any]:
        """Return ``params`` as SQLite takes them, or raise ``ValidationError``."""
        return [encode(value) for encode, value in zip(self.encoders, params, strict=True)]

    def output(
        self, description: Sequence[Sequence[Any]]
    ) -> tuple[tuple[str, ...], list[tuple[int, Convert]]]:
        """Return the names of the columns and the converters that the driver cannot apply."""
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
            known = self._output = (reported, names, converts)

        return known[1], known[2]


def refuse_twins(names: Sequence[str], reported: Sequence[str]) -> None:
    """Raise where two columns have one name: a dict would lose one of them."""
    twins = sorted({name for name in names if names.count(name) > 1})

    if twins:
        aliases = ", ".join(
            f"{text} AS {name}_{position}"
            for position, (name, text) in enumerate(zip(names, reported, strict=True), 1)
            if name in twins and name in names[: position - 1]
        )
        msg = (
            f"the result has several columns named {', '.join(map(repr, twins))}; "
            f"give each a name of its own: {aliases}"
        )
        raise ValidationError(msg)


def fetch(con: sqlite3.Connection, plan: Plan, params: Sequence[Any]) -> list[dict[str, Any]]:
    """Run the statement and return all its rows."""
    if plan.statement.has_returning and not plan.is_named and con.in_transaction:
        return _fetch_undoable(con, plan, params)

    cursor = con.execute(plan.sql, params)
    return [] if cursor.description is None else make_rows(cursor, plan, cursor.fetchall())


def _fetch_undoable(
    con: sqlite3.Connection, plan: Plan, params: Sequence[Any]
) -> list[dict[str, Any]]:
    """Run a write whose columns nobody has seen yet, so that bad names change nothing."""
    con.execute("SAVEPOINT infrastructure_names")

    try:
        cursor = con.execute(plan.sql, params)
        rows = make_rows(cursor, plan, cursor.fetchall())
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
    plan.output(cursor.description)
    return cursor


def make_rows(
    cursor: sqlite3.Cursor, plan: Plan, rows: Sequence[Sequence[Any]]
) -> list[dict[str, Any]]:
    """Return ``rows`` of the cursor as ``dict``."""
    names, converts = plan.output(cursor.description)
    made = [dict(zip(names, row)) for row in rows]  # noqa: B905 - SQLite gives as many as it names

    for position, convert in converts:
        name = names[position]

        for row in made:
            if row[name] is not None:
                row[name] = convert(row[name])

    return made
