"""What the errors of the server, of libpq and of psycopg are to us."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as driver
from psycopg.pq import DiagnosticField as Field
from psycopg.pq.abc import PGresult

from ..._core.errors import ErrorMap, translate
from ..._core.secrets import scrub
from ...interfaces.exceptions import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
    OperationError,
    Outcome,
    TimeoutError,
)
from .._statement import excerpt
from ._states import READ_ONLY, Rule, rule_of

__all__ = [
    "CONNECT_ERRORS",
    "ERRORS",
    "MORE_TIME",
    "UNANSWERED",
    "called",
    "is_made_up",
    "lost",
    "method_of",
    "server_error",
]

MORE_TIME = "raise deadline=, or that of the block around it"
"""What whoever ran out of time may do."""
UNANSWERED = f" before the server answered; {MORE_TIME}"
"""Goes on with "the deadline passed"."""

_LONGEST = 300
_MASK = "***"
_FATAL = frozenset({"FATAL", "PANIC"})
_DOWN_HERE = Rule(ConnectionError, "the server was a read-write one", retryable=True)
# PgBouncer says it with a protocol violation's code: the statement never left it.
_NO_SERVER = "query_wait_timeout"
_WAITED = Rule(
    TimeoutError,
    "the pooler had no free connection: see its pool_size and query_wait_timeout",
    retryable=True,
)
_NO_BUCKETS = Rule(
    OperationError,
    'time_bucket is TimescaleDB\'s: run CREATE EXTENSION timescaledb, or open the storage with hypertables="index"; '
    "behind a pooler the role needs infrastructure_functions on its search path then",
)
# The word "line" is in the server's language.
_COPY_LINE = re.compile(r"^COPY .*?, \S+ (\d+)", re.MULTILINE)
# The detail of these shows a row: Key (name)=(value) already exists.
_KEYS = frozenset({"23503", "23505", "23P01"})
_KEY = re.compile(r"(?P<columns>[^=]*\)=\().*(?P<rest>\).*)", re.DOTALL)
_QUOTED = re.compile(r'(?<=").*(?=")', re.DOTALL)
_AFTER_COLON = re.compile(r"(?<=: ).*", re.DOTALL)
_SHOWN_FIELDS = (
    Field.SEVERITY,
    Field.SEVERITY_NONLOCALIZED,
    Field.SQLSTATE,
    Field.STATEMENT_POSITION,
    Field.SCHEMA_NAME,
    Field.TABLE_NAME,
    Field.COLUMN_NAME,
    Field.DATATYPE_NAME,
    Field.CONSTRAINT_NAME,
)


def server_error(
    result: PGresult,
    tried: str,
    *,
    query: str = "",
    known: str = "",
    outcome: Outcome | None = None,
    read_write: bool = False,
) -> InfrastructureError:
    """Return our error for an error that the server sent.

    ``tried``       what was done, on what: the text begins with it, and it with the method.
    ``query``       the SQL, of which the text shows where the server stumbled.
    ``known``       what else the server may repeat: it is no secret.
    ``outcome``     where more is known than the SQLSTATE tells.
    ``read_write``  the server is in recovery or was chosen as one that takes writes: that it
                    refuses them now is a failover.
    """
    state = _field(result, Field.SQLSTATE)

    if not state:
        # libpq made it up: the link broke while the answer was waited for.
        return lost(tried, result.get_error_message(), outcome or "unknown")

    said = _Said(result, state, tried, query, known)
    rule = _rule(state, said, read_write)
    severity = _field(result, Field.SEVERITY_NONLOCALIZED) or _field(result, Field.SEVERITY)
    error = (rule.login if severity in _FATAL else None) or rule.error
    made = error(
        said.text(rule.hint),
        sqlstate=state,
        retryable=rule.retryable,
        outcome=outcome or rule.outcome,
        row_index=_row_index(result),
        operation=method_of(tried),
    )
    made.__cause__ = said.cause()
    return made


def lost(tried: str, what: str | BaseException, outcome: Outcome) -> ConnectionError:
    """Return the error for a link that broke; ``what`` came back, from libpq or the system."""
    text = _line(str(what)) or type(what).__name__
    more = "; it may or may not have been done" if outcome == "unknown" else ""
    msg = f"{tried}: the connection broke: {text}{more}"
    error = ConnectionError(msg, outcome=outcome, operation=method_of(tried))
    error.__cause__ = what if isinstance(what, BaseException) else psycopg.OperationalError(text)
    return error


@contextmanager
def called(operation: str) -> Iterator[None]:
    """Say of an error which method was called, whatever it did when the error came."""
    try:
        yield
    except InfrastructureError as exc:
        exc.operation = operation
        raise


class _Said:
    """The words of the server, without the values that it repeats."""

    def __init__(self, result: PGresult, state: str, tried: str, query: str, known: str) -> None:
        self._result = result
        self._state = state
        self._tried = tried
        self._query = query
        self._known = known
        self.primary = self._shown(Field.MESSAGE_PRIMARY)
        self.detail = self._shown(Field.MESSAGE_DETAIL)
        self.hint = _line(_field(result, Field.MESSAGE_HINT))

    def text(self, hint: str) -> str:
        hints = (self.detail, self.hint, hint)
        parts = [f"{self._tried}: {self.primary}{self._place()}", *(each for each in hints if each)]
        return "; ".join(part.rstrip(" .") for part in parts)

    def cause(self) -> psycopg.Error:
        """Return psycopg's error of the same SQLSTATE, for those who look at its ``diag``."""
        info = {field.value: self._result.error_field(field) for field in _SHOWN_FIELDS}
        info[Field.MESSAGE_PRIMARY.value] = self.primary.encode()
        info[Field.MESSAGE_DETAIL.value] = self.detail.encode() or None
        info[Field.MESSAGE_HINT.value] = self.hint.encode() or None
        return _class_of(self._state)(self.primary, info=info)

    def _shown(self, field: Field) -> str:
        text = _field(self._result, field)

        if self._state[:2] in {"23", "44"} and field is Field.MESSAGE_DETAIL:
            match = _KEY.fullmatch(text) if self._state in _KEYS else None
            text = f"{match['columns']}{_MASK}{match['rest']}" if match else ""
        elif self._state[:2] == "22" and self._state != "22021":
            pattern = _QUOTED if _QUOTED.search(text) else _AFTER_COLON
            text = pattern.sub(self._masked, text, count=1)

        return _line(text)

    def _masked(self, match: re.Match[str]) -> str:
        # What stands in the text of the statement is no parameter.
        shown = (self._query, self._tried, self._known)
        return match[0] if any(match[0] in text for text in shown) else _MASK

    def _place(self) -> str:
        position = _field(self._result, Field.STATEMENT_POSITION)
        rest = self._query[int(position) - 1 :] if position.isdigit() else ""
        return f", at {excerpt(scrub(rest))!r:.50}" if rest else ""


def _rule(state: str, said: _Said, read_write: bool) -> Rule:
    if state == READ_ONLY and read_write:
        return _DOWN_HERE

    if state == "42883" and "time_bucket(" in said.primary:
        return _NO_BUCKETS

    return _WAITED if state == "08P01" and _NO_SERVER in said.primary else rule_of(state)


def is_made_up(result: PGresult) -> bool:
    """Return whether an error is libpq's own: of a link that broke, or of what it could not read.

    What it could not read it has skipped, by a length that need not be right.
    """
    return not result.error_field(Field.SQLSTATE)


def method_of(tried: str) -> str:
    """Return which method it was."""
    return tried.partition(" ")[0]


def _field(result: PGresult, field: Field) -> str:
    return (result.error_field(field) or b"").decode(errors="replace")


def _line(text: str) -> str:
    return scrub(" ".join(text.split()))[:_LONGEST]


def _row_index(result: PGresult) -> int | None:
    match = _COPY_LINE.search(_field(result, Field.CONTEXT))
    return int(match[1]) - 1 if match else None


def _class_of(state: str) -> type[psycopg.Error]:
    try:
        return driver.lookup(state)
    except KeyError:
        return psycopg.DatabaseError


def _of_the_driver(tried: str, exc: BaseException) -> InfrastructureError:
    """Return the error for one of psycopg's: its SQLSTATE says more than its class."""
    state = getattr(exc, "sqlstate", None) or ""
    rule = rule_of(state)
    text = f"{tried}: {_line(str(exc)) or type(exc).__name__}"
    return rule.error(
        f"{text}; {rule.hint}" if rule.hint else text,
        sqlstate=state or None,
        retryable=rule.retryable,
        outcome=rule.outcome if state else "unknown",
        operation=method_of(tried),
    )


def _broken(tried: str, exc: BaseException) -> InfrastructureError:
    return (
        _of_the_driver(tried, exc)
        if getattr(exc, "sqlstate", None)
        else lost(tried, exc, "unknown")
    )


def _too_old(tried: str, exc: BaseException) -> InfrastructureError:
    if getattr(exc, "sqlstate", None):
        return _of_the_driver(tried, exc)

    return ConfigurationError(f"{tried}: {_line(str(exc))}", operation=method_of(tried))


ERRORS: ErrorMap = {
    psycopg.Warning: OperationError,
    psycopg.Error: _of_the_driver,
    psycopg.InterfaceError: _of_the_driver,
    psycopg.DatabaseError: _of_the_driver,
    psycopg.DataError: _of_the_driver,
    psycopg.OperationalError: _broken,
    psycopg.IntegrityError: _of_the_driver,
    psycopg.InternalError: _of_the_driver,
    psycopg.ProgrammingError: _of_the_driver,
    psycopg.NotSupportedError: _too_old,
    driver.ConnectionTimeout: _broken,
    driver.CancellationTimeout: _broken,
    driver.PipelineAborted: _broken,
}
"""Every class of psycopg that is no SQLSTATE's; those with one are subclasses of these."""


def _unsent(tried: str, exc: BaseException) -> InfrastructureError:
    error = translate(ERRORS, tried, exc)
    error.outcome = "not_applied"
    return error


CONNECT_ERRORS: ErrorMap = dict.fromkeys(ERRORS, _unsent)
"""The same while a connection is made: nothing of a statement was sent then."""
