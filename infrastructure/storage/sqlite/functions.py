"""The SQL functions that PostgreSQL and TimescaleDB have and SQLite has not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import uuid4
from weakref import WeakValueDictionary

from ...interfaces.exceptions import InfrastructureError, ValidationError
from ._aggregates import Average, Sum
from ._buckets import time_bucket
from ._decimals import COLLATION, compare_decimals
from ._times import datetime_text

__all__ = ["FUNCTION_NAMES", "FunctionErrors", "function_error", "register_functions"]

FUNCTION_NAMES = frozenset({"avg", "gen_random_uuid", "now", "sum", "time_bucket"})
"""What runs Python code for each row."""


class FunctionErrors:
    """The last error of a connection's functions: SQLite itself only says that there was one."""

    def __init__(self) -> None:
        self.last: InfrastructureError | None = None

    def keep(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` so that its error is kept here."""

        @wraps(function)
        def kept(*args: Any) -> Any:
            try:
                return function(*args)
            except InfrastructureError as exc:
                self.last = exc
                raise
            except Exception as exc:
                msg = f"{function.__name__}: {exc}"
                self.last = ValidationError(msg, sqlstate="22023")
                raise

        return kept


# By id: a connection cannot be referred to weakly. Its functions hold its errors, so that they
# go when it goes.
_ERRORS: WeakValueDictionary[int, FunctionErrors] = WeakValueDictionary()


def function_error(
    con: sqlite3.Connection, exc: BaseException | None = None
) -> InfrastructureError | None:
    """Return, once, what a function of ours raised in the statement that has just failed.

    With ``exc``, what the statement raised, only where it came of a function.
    """
    errors = _ERRORS.get(id(con))

    if errors is None:
        return None

    last, errors.last = errors.last, None
    return last if exc is None or "user-defined" in str(exc) else None


def register_functions(
    con: sqlite3.Connection, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """Give a connection our functions; ``now`` says what ``now()`` returns."""
    errors = _ERRORS[id(con)] = FunctionErrors()

    def current() -> str:
        return datetime_text(now())

    def random_uuid() -> str:
        return str(uuid4())

    con.create_function("now", 0, errors.keep(current))
    con.create_function("gen_random_uuid", 0, random_uuid)
    bucket = errors.keep(time_bucket)

    for count in (2, 3):
        con.create_function("time_bucket", count, bucket, deterministic=True)

    for name, aggregate in (("sum", Sum), ("avg", Average)):
        con.create_window_function(name, 1, _kept(aggregate, errors))

    con.create_collation(COLLATION, compare_decimals)


def _kept(aggregate: type[Sum], errors: FunctionErrors) -> type[Any]:
    """Return a window function whose results may fail with a text; taking rows does not."""
    methods = {name: errors.keep(getattr(aggregate, name)) for name in ("value", "finalize")}
    return type(aggregate.__name__, (aggregate,), methods)
