"""Every error of SQLite is one of ours."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from infrastructure.interfaces import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.storage.sqlite import SQLiteStorage
from infrastructure.storage.sqlite.errors import CODES, ERRORS, sqlite_error

# Results that are no errors, flags, and what a callback answers.
NOT_ERRORS = {"SQLITE_OK", "SQLITE_ROW", "SQLITE_DONE", "SQLITE_DENY", "SQLITE_IGNORE"}
NOT_CODES = ("SQLITE_LIMIT_", "SQLITE_DBCONFIG_")


def result_codes() -> Iterator[tuple[str, int]]:
    """The result codes; the module gives actions of the authorizer names of the same form."""
    actions = {name for name in vars(sqlite3) if name.startswith(("SQLITE_CREATE", "SQLITE_DROP"))}
    actions |= {f"SQLITE_{word}" for word in ACTIONS.split()}

    for name, code in vars(sqlite3).items():
        is_code = name.startswith("SQLITE_") and not name.startswith(NOT_CODES)

        if is_code and name not in NOT_ERRORS | actions:
            yield name, code


ACTIONS = """DELETE INSERT PRAGMA READ SELECT TRANSACTION UPDATE ATTACH DETACH ALTER_TABLE REINDEX
ANALYZE FUNCTION SAVEPOINT RECURSIVE"""


def error_of(code: int, text: str = "what came back") -> InfrastructureError:
    exc = sqlite3.OperationalError(text)
    exc.sqlite_errorcode = code
    return sqlite_error(exc, "execute 'SELECT 1'")


def test_every_class_of_the_driver_is_mapped() -> None:
    """One more in a new Python is noticed."""
    classes = {
        cls
        for cls in vars(sqlite3).values()
        if inspect.isclass(cls) and issubclass(cls, (sqlite3.Error, sqlite3.Warning))
    }
    assert classes == set(ERRORS)


@pytest.mark.parametrize("inside", [False, True])
async def test_a_view_on_a_table_that_is_gone(inside: bool) -> None:
    """Its columns cannot be asked for before the write: that is one of ours too."""
    async with SQLiteStorage() as storage:
        await storage.execute("CREATE VIEW v AS SELECT n FROM gone")

        with pytest.raises(OperationError, match="no such table") as caught:
            async with storage.transaction() if inside else nullcontext():
                await storage.execute("INSERT INTO v (n) VALUES ($1)", [1])

        assert caught.value.sqlstate == "42P01"


def test_every_result_code_is_mapped() -> None:
    """By itself, or by its last byte."""
    codes = dict(result_codes())
    assert len(codes) > 90

    for name, code in codes.items():
        # SQLITE_OK_LOAD_PERMANENTLY and its like are successes with more to say.
        if code & 0xFF:
            assert code in CODES or code & 0xFF in CODES, name


@pytest.mark.parametrize(
    ("name", "cls", "sqlstate"),
    [
        ("SQLITE_CONSTRAINT_UNIQUE", IntegrityError, "23505"),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", IntegrityError, "23505"),
        ("SQLITE_CONSTRAINT_FOREIGNKEY", IntegrityError, "23503"),
        ("SQLITE_CONSTRAINT_NOTNULL", IntegrityError, "23502"),
        ("SQLITE_CONSTRAINT_CHECK", IntegrityError, "23514"),
        ("SQLITE_CONSTRAINT_VTAB", IntegrityError, "23000"),
        ("SQLITE_READONLY_DIRECTORY", OperationError, "25006"),
        ("SQLITE_FULL", OperationError, "53100"),
        ("SQLITE_IOERR_READ", OperationError, "58030"),
        ("SQLITE_CORRUPT_VTAB", OperationError, "XX001"),
        ("SQLITE_NOTADB", OperationError, "XX001"),
        ("SQLITE_CANTOPEN_ISDIR", ConnectionError, "08001"),
        ("SQLITE_PERM", ConfigurationError, "42501"),
        ("SQLITE_BUSY", TimeoutError, "55P03"),
        ("SQLITE_LOCKED_SHAREDCACHE", TimeoutError, "55P03"),
        ("SQLITE_BUSY_SNAPSHOT", ConflictError, "40001"),
        ("SQLITE_INTERRUPT", TimeoutError, "57014"),
        ("SQLITE_TOOBIG", OperationError, "54000"),
        ("SQLITE_MISMATCH", OperationError, "42804"),
    ],
)
def test_a_code_is_our_error(name, cls, sqlstate) -> None:
    """With PostgreSQL's SQLSTATE, and a text that says what was tried."""
    error = error_of(getattr(sqlite3, name))
    assert (type(error), error.sqlstate) == (cls, sqlstate)
    assert "execute 'SELECT 1'" in error.message
    assert "what came back" in error.message


def test_a_wait_for_a_lock_may_be_repeated() -> None:
    """Nothing was applied, and the cause passes; an interrupted statement ran too long."""
    assert error_of(sqlite3.SQLITE_BUSY).retryable
    assert not error_of(sqlite3.SQLITE_INTERRUPT).retryable


def test_a_code_of_the_future_is_an_operation_error() -> None:
    """Nothing passes as it is."""
    assert type(error_of(77)) is OperationError


@pytest.mark.parametrize(
    ("what", "cls", "sqlstate"),
    [
        ("type", ValidationError, "42804"),
        ("scale", ValidationError, "42804"),
        ("range", OperationError, "22003"),
        ("length", OperationError, "22001"),
    ],
)
def test_a_check_of_ours_tells_its_error(what, cls, sqlstate) -> None:
    """Its name says what it checks, and of which column."""
    text = f"CHECK constraint failed: infrastructure:{what}:نام a"
    error = error_of(sqlite3.SQLITE_CONSTRAINT_CHECK, text)
    assert (type(error), error.sqlstate) == (cls, sqlstate)
    assert "'نام a'" in error.message


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("SELECT * FROM missing", "42P01"),
        ("SELECT missing FROM t", "42703"),
        ("INSERT INTO t (missing) VALUES (1)", "42703"),
        ("SELEC 1", "42601"),
        ("SELECT (1", "42601"),
        ("SELECT missing(1)", "42883"),
        ("SELECT lower()", "42883"),
        ("CREATE TABLE t (a)", "42P07"),
        ("CREATE TABLE u (a, a)", "42701"),
        ("INSERT INTO t VALUES (1, 2)", "42601"),
        ("SELECT a FROM t, t AS u", "42702"),
        ("SELECT json('{')", "22P02"),
        ("SELECT count(sum(a)) FROM t", "42803"),
        ("SELECT abs(-9223372036854775807 - 1)", "22003"),
        ("DELETE FROM sqlite_schema", "42501"),
    ],
)
def test_the_text_of_a_general_error_tells_the_sqlstate(sql, sqlstate) -> None:
    """SQLite has one code for all of them."""
    con = sqlite3.connect(":memory:")
    con.execute("CREATE TABLE t (a)")

    with pytest.raises(sqlite3.OperationalError) as raised:
        con.execute(sql)

    con.close()
    assert sqlite_error(raised.value, "execute").sqlstate == sqlstate


def test_what_the_driver_raises_by_itself_is_ours() -> None:
    """Those have no code."""
    con = sqlite3.connect(":memory:")

    with pytest.raises(sqlite3.ProgrammingError) as raised:
        con.execute("SELECT ?", ())

    assert type(sqlite_error(raised.value, "execute")) is ValidationError
    con.close()

    with pytest.raises(sqlite3.ProgrammingError) as raised:
        con.execute("SELECT 1")

    assert type(sqlite_error(raised.value, "execute")) is ConnectionError
    assert type(sqlite_error(sqlite3.InternalError("odd"), "execute")) is OperationError
