"""Every error of PostgreSQL, libpq and psycopg is one of ours, and shows no value."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.pq import PGconn
from psycopg.pq.abc import PGresult

from infrastructure._core.errors import translate
from infrastructure.interfaces import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    InfrastructureError,
    IntegrityError,
    OperationError,
    TimeoutError,
    TransactionError,
)
from infrastructure.storage.postgres._states import CLASSES
from infrastructure.storage.postgres.errors import CONNECT_ERRORS, ERRORS, lost, server_error

from ...servers.postgres_endpoint import PostgresEndpoint

VALUE = 'cor"rect: ho"rse'
TABLE = """
CREATE TEMP TABLE t (
    id int PRIMARY KEY, name text UNIQUE CHECK (name <> 'bad'), amount numeric(4,2),
    needed int NOT NULL DEFAULT 0, parent int REFERENCES t, mood uuid, short varchar(3)
);
CREATE TEMP VIEW v AS SELECT id, name FROM t WHERE name > 'zzz' WITH CHECK OPTION;
CREATE TEMP TABLE p (n text) PARTITION BY LIST (n);
INSERT INTO t (id, name) VALUES (1, 'a')
"""


class Asked:
    """Sends statements and gives our errors for what comes back."""

    def __init__(self, pgconn: PGconn) -> None:
        self.pgconn = pgconn

    def result(self, query: str, *params: str) -> PGresult:
        return self.pgconn.exec_params(query.encode(), [each.encode() for each in params])

    def error(self, query: str, *params: str, **more: bool) -> InfrastructureError:
        result = self.result(query, *params)
        return server_error(result, f"execute {query[:40]!r}", query=query, **more)

    def raised(self, sqlstate: str, **more: bool) -> InfrastructureError:
        """Let the server raise any SQLSTATE."""
        text = f"DO $$ BEGIN RAISE EXCEPTION 'what came back' USING ERRCODE = '{sqlstate}'; END $$"
        return self.error(text, **more)


@pytest.fixture
def asked(postgres: PostgresEndpoint) -> Iterator[Asked]:
    """Give a connection with some tables of its own."""
    with postgres.control() as control:
        control.execute(TABLE)
        control.execute("INSERT INTO t (id, name) VALUES (2, %s)", [VALUE])
        yield Asked(control.pgconn)


def driver_errors() -> set[type[BaseException]]:
    found = (*vars(psycopg).values(), *vars(psycopg.errors).values())
    return {each for each in found if inspect.isclass(each) and issubclass(each, Exception)}


def test_every_class_of_the_driver_is_mapped() -> None:
    """One more in a new psycopg is noticed: by itself, or by the class of its SQLSTATE."""
    public = {each for each in driver_errors() if not each.__name__.startswith("_")}
    assert len(public) > 200
    coded = {each for each in public if getattr(each, "sqlstate", None)}
    # A way to leave a block of psycopg's, which none of ours enters.
    assert public - coded - {psycopg.Rollback} == set(ERRORS) == set(CONNECT_ERRORS)
    assert {each.sqlstate[:2] for each in coded} <= set(CLASSES)


@pytest.mark.parametrize(
    ("sqlstate", "cls", "retryable", "outcome"),
    [
        ("08006", ConnectionError, True, "unknown"),
        ("57P01", ConnectionError, True, "not_applied"),
        ("57P02", ConnectionError, True, "unknown"),
        ("57P03", ConnectionError, True, "not_applied"),
        ("57P05", ConnectionError, True, "not_applied"),
        ("53300", ConnectionError, True, "not_applied"),
        ("57014", TimeoutError, False, "not_applied"),
        ("55P03", TimeoutError, True, "not_applied"),
        ("25P03", TimeoutError, False, "not_applied"),
        ("25P04", TimeoutError, False, "not_applied"),
        ("23001", IntegrityError, False, "not_applied"),
        ("23P01", IntegrityError, False, "not_applied"),
        ("40001", ConflictError, True, "not_applied"),
        ("40P01", ConflictError, True, "not_applied"),
        ("40003", OperationError, False, "unknown"),
        ("25001", TransactionError, False, "not_applied"),
        ("25P02", TransactionError, False, "not_applied"),
        ("2D000", TransactionError, False, "not_applied"),
        ("3B001", TransactionError, False, "not_applied"),
        ("22003", OperationError, False, "not_applied"),
        ("22001", OperationError, False, "not_applied"),
        ("28000", OperationError, False, "not_applied"),
        ("3D000", OperationError, False, "not_applied"),
        ("42501", OperationError, False, "not_applied"),
        ("42P01", OperationError, False, "not_applied"),
        ("0A000", OperationError, False, "not_applied"),
        ("53100", OperationError, False, "not_applied"),
        ("TS110", OperationError, False, "not_applied"),
        ("ZZ999", OperationError, False, "not_applied"),
    ],
)
def test_a_sqlstate_is_our_error(asked, sqlstate, cls, retryable, outcome) -> None:
    """With psycopg's error of the same SQLSTATE as its cause."""
    error = asked.raised(sqlstate)
    assert (type(error), error.sqlstate) == (cls, sqlstate)
    assert (error.retryable, error.outcome) == (retryable, outcome)
    assert error.message.startswith('execute "DO')
    assert "what came back" in error.message
    assert isinstance(error.__cause__, psycopg.Error)
    assert error.__cause__.sqlstate == sqlstate


def test_a_server_that_takes_no_writes_any_more(asked) -> None:
    """It was asked for as one that does: a failover. Else it is the statement's fault."""
    asked.result("SET default_transaction_read_only = on")
    insert = "INSERT INTO pg_description VALUES (1, 2, 3, 'x')"
    mild, severe = asked.error(insert), asked.error(insert, read_write=True)
    assert (type(mild), mild.retryable) == (OperationError, False)
    assert (type(severe), severe.retryable, severe.outcome) == (
        ConnectionError,
        True,
        "not_applied",
    )


def test_the_caller_may_know_better_what_became_of_it(asked) -> None:
    """``outcome`` rules over the SQLSTATE."""
    result = asked.result("SELECT missing")
    assert server_error(result, "execute", outcome="unknown").outcome == "unknown"


@pytest.mark.parametrize(
    ("query", "sqlstate", "said"),
    [
        ("SELECT missing, 'سلام' FROM t", "42703", "at \"missing, 'سلام' FROM t\""),
        ("SELECT 'سلام', missing FROM t", "42703", "at 'missing FROM t'"),
        ("SELECT * FROM gone", "42P01", '"gone" does not exist'),
        ("SELEC 1", "42601", "at 'SELEC 1'"),
        ("SELECT lower(1, 2)", "42883", "No function matches"),
        ("INSERT INTO t (id, amount) VALUES (3, 100)", "22003", "precision 4, scale 2"),
        ("INSERT INTO t (id, short) VALUES (3, 'abcd')", "22001", "character varying(3)"),
        ("INSERT INTO t (id, needed) VALUES (3, NULL)", "23502", 'column "needed"'),
        ("INSERT INTO t (id, name) VALUES (3, 'bad')", "23514", '"t_name_check"'),
        ("SELECT '2024-13-01'::date", "22008", '"2024-13-01"'),
    ],
)
def test_the_text_says_what_came_back(asked, query, sqlstate, said) -> None:
    """The server's words, and where in the statement it stumbled; on one line."""
    error = asked.error(query)
    assert error.sqlstate == sqlstate
    assert said in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("query", "sqlstate"),
    [
        ("INSERT INTO t (id, name) VALUES (3, $1)", "23505"),
        ("INSERT INTO t (id, name, needed) VALUES (3, $1, NULL)", "23502"),
        ("INSERT INTO t (id, name, parent) VALUES (3, $1 || 'x', 77)", "23503"),
        ("INSERT INTO v (id, name) VALUES (3, $1 || 'x')", "44000"),
        ("INSERT INTO p (n) VALUES ($1)", "23514"),
        ("SELECT $1::text::uuid", "22P02"),
        ("SELECT $1::text::timestamptz", "22007"),
        ("SELECT ('[' || $1 || ']')::json", "22P02"),
        ("SELECT ('{' || $1)::int[]", "22P02"),
        ("SELECT set_config('work_mem', $1, true)", "22023"),
        ("SELECT to_date($1, 'YYYY')", "22007"),
    ],
)
def test_no_parameter_is_shown(asked, query, sqlstate) -> None:
    """Neither by our error nor by its cause, whatever the server repeats."""
    error = asked.error(query, VALUE)
    assert error.sqlstate == sqlstate
    cause = error.__cause__
    shown = [str(error), repr(error), str(cause), repr(cause), str(cause.diag.message_detail)]

    for word in ("cor", "rect", "rse"):
        assert not any(f"{word}" in text.replace("correct", "") for text in shown), shown


def test_passwords_are_masked_whoever_says_them(asked) -> None:
    """A function of the user's may raise what it likes."""
    text = "DO $$ BEGIN RAISE EXCEPTION 'password=hunter2' USING HINT = 'u://a:hunter2@h'; END $$"
    error = server_error(asked.result(text), "execute")
    assert "hunter2" not in f"{error} {error.__cause__} {error.__cause__.diag.message_hint}"
    assert "password=***" in str(error)


def test_the_constraint_is_told_by_the_cause(asked) -> None:
    """For those who look at psycopg's ``diag``."""
    cause = asked.error("INSERT INTO t (id) VALUES (1)").__cause__
    assert isinstance(cause, psycopg.errors.UniqueViolation)
    assert cause.diag.constraint_name == "t_pkey"
    assert cause.diag.message_detail == "Key (id)=(***) already exists."


def test_the_row_of_a_copy(asked) -> None:
    """The server counts lines from 1."""
    asked.pgconn.exec_(b"COPY t (id, short) FROM STDIN")
    asked.pgconn.put_copy_data(b"3\ta\n4\tb\n5\tabcd\n")
    asked.pgconn.put_copy_end()
    error = server_error(asked.pgconn.get_result(), "execute_many")
    assert (error.sqlstate, error.row_index) == ("22001", 2)
    assert asked.error("SELECT missing").row_index is None


def test_a_link_that_broke() -> None:
    """What came back is in the text, the outcome is the caller's to know."""
    error = lost("execute 'SELECT 1'", "closed\n\tby u:p://a:hunter2@h", "unknown")
    assert (type(error), error.outcome, error.retryable) == (ConnectionError, "unknown", True)
    assert "hunter2" not in f"{error} {error.__cause__}"
    assert "execute 'SELECT 1': the connection broke: closed by" in str(error)
    cause = OSError("reset")
    assert lost("commit", cause, "not_applied").__cause__ is cause


def test_an_error_that_libpq_made_up_is_a_broken_link(postgres: PostgresEndpoint) -> None:
    """It has no SQLSTATE: nobody knows what became of the statement."""
    with postgres.control() as control:
        result = control.pgconn.make_empty_result(psycopg.pq.ExecStatus.FATAL_ERROR)

    error = server_error(result, "execute")
    assert (type(error), error.sqlstate, error.outcome) == (ConnectionError, None, "unknown")


@pytest.mark.parametrize(
    ("exc", "cls"),
    [
        (psycopg.OperationalError("the connection is closed"), ConnectionError),
        (psycopg.errors.ConnectionTimeout("x"), ConnectionError),
        (psycopg.NotSupportedError("libpq is too old"), ConfigurationError),
        (psycopg.DataError("a date too large"), OperationError),
        (psycopg.InterfaceError("x"), OperationError),
        (psycopg.errors.UniqueViolation("x"), IntegrityError),
        (psycopg.errors.FeatureNotSupported("x"), OperationError),
        (psycopg.errors.AdminShutdown("x"), ConnectionError),
    ],
)
def test_what_the_driver_raises_by_itself_is_ours(exc, cls) -> None:
    """Its SQLSTATE counts where it has one; while connecting nothing was applied."""
    assert type(translate(ERRORS, "execute", exc)) is cls
    unsent = translate(CONNECT_ERRORS, "connect", exc)
    assert (type(unsent), unsent.outcome) == (cls, "not_applied")
