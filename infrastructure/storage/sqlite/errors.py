"""What SQLite's errors are to us, by their extended result code."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping

from ..._core.errors import ErrorMap, translate
from ...interfaces.exceptions import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from ._checks import CHECK_PREFIX

__all__ = ["CODES", "ERRORS", "sqlite_error"]

_Make = Callable[[str], InfrastructureError]


def _refused(sqlstate: str) -> _Make:
    return lambda text: OperationError(text, sqlstate=sqlstate, outcome="not_applied")


def _integrity(sqlstate: str) -> _Make:
    return lambda text: IntegrityError(text, sqlstate=sqlstate, outcome="not_applied")


def _busy(text: str) -> InfrastructureError:
    text += "; another connection or process holds the lock of the file"
    return TimeoutError(text, sqlstate="55P03", retryable=True, outcome="not_applied")


def _in_use(text: str) -> InfrastructureError:
    text += (
        "; a query of the same connection is not read to its end: a stream() in this transaction"
    )
    return OperationError(text, sqlstate="55006", outcome="not_applied")


def _conflict(text: str) -> InfrastructureError:
    text += "; another transaction has written meanwhile: run the whole transaction again"
    return ConflictError(text, sqlstate="40001")


def _interrupted(text: str) -> InfrastructureError:
    text += "; the statement was interrupted when its time was over"
    return TimeoutError(text, sqlstate="57014", outcome="not_applied")


def _unopened(text: str) -> InfrastructureError:
    text += "; look whether its folder exists and may be written to; read_only needs the file"
    return ConnectionError(text, sqlstate="08001", outcome="not_applied")


def _permission(text: str) -> InfrastructureError:
    return ConfigurationError(text, sqlstate="42501")


def _unreadable(text: str) -> InfrastructureError:
    text += "; the file is damaged or no SQLite database: restore it from a backup"
    return OperationError(text, sqlstate="XX001", outcome="unknown")


def _device(text: str) -> InfrastructureError:
    text += "; the disk or its file system failed"
    return OperationError(text, sqlstate="58030", outcome="unknown")


def _read_only(text: str) -> InfrastructureError:
    text += "; the storage was opened with read_only, or the file may not be written to"
    return _refused("25006")(text)


_ORDINARY: tuple[tuple[str, str], ...] = (
    ("no such table", "42P01"),
    ("no such view", "42P01"),
    ("no such index", "42704"),
    ("no such savepoint", "3B001"),
    ("no such collation", "42704"),
    ("no such function", "42883"),
    ("wrong number of arguments", "42883"),
    ("no such column", "42703"),
    ("has no column named", "42703"),
    ("ambiguous column name", "42702"),
    ("already exists", "42P07"),
    ("duplicate column name", "42701"),
    ("syntax error", "42601"),
    ("incomplete input", "42601"),
    ("unrecognized token", "42601"),
    ("too many", "54000"),
    ("integer overflow", "22003"),
    ("malformed json", "22P02"),
    ("user-defined", "22023"),
    ("misuse of aggregate", "42803"),
    ("values for", "42601"),
    ("values were supplied", "42601"),
    ("may not be", "42501"),
)


def _ordinary(text: str) -> InfrastructureError:
    """Tell SQLITE_ERROR's many meanings by the text: it has no finer code."""
    lowered = text.lower()
    state = next((state for words, state in _ORDINARY if words in lowered), "42000")
    return OperationError(text, sqlstate=state, outcome="not_applied")


CODES: Mapping[int, _Make] = {
    # The extended codes first; a code that is not here counts as its last byte.
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: _integrity("23505"),
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: _integrity("23505"),
    sqlite3.SQLITE_CONSTRAINT_ROWID: _integrity("23505"),
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: _integrity("23503"),
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: _integrity("23502"),
    sqlite3.SQLITE_CONSTRAINT_CHECK: _integrity("23514"),
    sqlite3.SQLITE_CONSTRAINT_TRIGGER: _integrity("P0001"),
    sqlite3.SQLITE_CONSTRAINT: _integrity("23000"),
    sqlite3.SQLITE_BUSY_SNAPSHOT: _conflict,
    sqlite3.SQLITE_BUSY: _busy,
    sqlite3.SQLITE_LOCKED_SHAREDCACHE: _busy,
    sqlite3.SQLITE_LOCKED: _in_use,
    sqlite3.SQLITE_PROTOCOL: _busy,
    sqlite3.SQLITE_ERROR: _ordinary,
    sqlite3.SQLITE_INTERNAL: _refused("XX000"),
    sqlite3.SQLITE_PERM: _permission,
    sqlite3.SQLITE_AUTH: _permission,
    sqlite3.SQLITE_ABORT: _refused("25000"),
    sqlite3.SQLITE_NOMEM: _refused("53200"),
    sqlite3.SQLITE_READONLY: _read_only,
    sqlite3.SQLITE_INTERRUPT: _interrupted,
    sqlite3.SQLITE_IOERR: _device,
    sqlite3.SQLITE_CORRUPT: _unreadable,
    sqlite3.SQLITE_NOTADB: _unreadable,
    sqlite3.SQLITE_NOTFOUND: _refused("42704"),
    sqlite3.SQLITE_FULL: _refused("53100"),
    sqlite3.SQLITE_CANTOPEN: _unopened,
    sqlite3.SQLITE_EMPTY: _refused("XX000"),
    sqlite3.SQLITE_SCHEMA: _conflict,
    sqlite3.SQLITE_TOOBIG: _refused("54000"),
    sqlite3.SQLITE_MISMATCH: _refused("42804"),
    sqlite3.SQLITE_MISUSE: _refused("XX000"),
    sqlite3.SQLITE_NOLFS: _refused("0A000"),
    sqlite3.SQLITE_FORMAT: _unreadable,
    sqlite3.SQLITE_RANGE: _refused("42P02"),
    sqlite3.SQLITE_NOTICE: _refused("01000"),
    sqlite3.SQLITE_WARNING: _refused("01000"),
}
"""Our error by SQLite's result code."""

_OUR_CHECK = re.compile(rf"CHECK constraint failed: {CHECK_PREFIX}:(\w+):(.*)", re.DOTALL)
_CHECK_HINTS = {
    "type": "the value is of another type than the column",
    "scale": "the value has more digits after the point than the column: round() it, or pass it "
    "as a parameter, which is rounded",
}
_CHECK_STATES = {"range": "22003", "length": "22001"}


def sqlite_error(exc: sqlite3.Error, tried: str) -> InfrastructureError:
    """Return our error for one of SQLite's; ``tried`` says what was done when it came."""
    return translate(ERRORS, tried, exc)


def _by_code(tried: str, exc: BaseException) -> InfrastructureError:
    code = getattr(exc, "sqlite_errorcode", None)

    if code is None:
        return _of_the_driver(tried, exc)

    match = _OUR_CHECK.search(str(exc)) if code == sqlite3.SQLITE_CONSTRAINT_CHECK else None

    if match is not None:
        return _failed_check(tried, match[1], match[2])

    make = CODES.get(code) or CODES.get(code & 0xFF) or _refused("XX000")
    return make(f"{tried}: {exc}")


def _failed_check(tried: str, what: str, column: str) -> InfrastructureError:
    """Return the error that PostgreSQL gives where the check of a column's type fails."""
    if what in _CHECK_STATES:
        text = f"{tried}: a value is out of the {what} of column {column!r}"
        return OperationError(text, sqlstate=_CHECK_STATES[what], outcome="not_applied")

    hint = _CHECK_HINTS.get(what, "the value does not fit the column")
    return ValidationError(f"{tried}: column {column!r}: {hint}", sqlstate="42804")


def _of_the_driver(tried: str, exc: BaseException) -> InfrastructureError:
    """Return the error for one that ``sqlite3`` raises by itself, without asking SQLite."""
    text = f"{tried}: {exc}"

    if "closed" in text:
        return ConnectionError(text, sqlstate="08003")

    if "bind" in text:
        return ValidationError(text, sqlstate="42601")

    # A text in the file that is not UTF-8, mostly: the statement that met it is undone.
    state = "22021" if "decode" in text else "XX000"
    return OperationError(text, sqlstate=state, outcome="not_applied")


ERRORS: ErrorMap = dict.fromkeys(
    (
        sqlite3.Warning,
        sqlite3.Error,
        sqlite3.InterfaceError,
        sqlite3.DatabaseError,
        sqlite3.DataError,
        sqlite3.OperationalError,
        sqlite3.IntegrityError,
        sqlite3.InternalError,
        sqlite3.ProgrammingError,
        sqlite3.NotSupportedError,
    ),
    _by_code,
)
"""Every class of ``sqlite3``: the code says more than the class."""
