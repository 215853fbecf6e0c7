"""The one round trip of a new connection: who answers there, and the settings of the session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from ...interfaces.exceptions import ConfigurationError, InfrastructureError
from ._bucket_functions import SCHEMA
from ._settings import Options
from .errors import server_error

__all__ = ["KEPT_BY_POOLERS", "Greeting", "answer", "question"]

# What values are read by. PgBouncer knows the first three and keeps them for each of its clients.
_READ_BY: Mapping[str, str] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "standard_conforming_strings": "on",
    "IntervalStyle": "postgres",
}
KEPT_BY_POOLERS: Mapping[str, str] = {
    name: _READ_BY[name] for name in ("TimeZone", "DateStyle", "standard_conforming_strings")
}
"""What a session behind one has too, and has to be told again where all is reset."""
_FACTS = (
    "pg_backend_pid()",
    "current_setting('transaction_read_only')",
    "pg_is_in_recovery()",
    "(SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')",
)
_PLANS = "plan_cache_mode"
_CUSTOM = "force_custom_plan"


@dataclass(frozen=True, kw_only=True, slots=True)
class Greeting:
    """What the server said of itself.

    ``pooled``     another process than the one that let us in: a pooler stands between.
    ``timescale``  the version of the extension, ``None`` where the database has none.
    """

    pooled: bool
    read_only: bool
    in_recovery: bool
    timescale: Optional[str]


def question(options: Options, pid: int) -> str:
    """Return the statement that asks, and settles what is ours to settle.

    A pooler would hand what is set to its other clients: it is set where ``pid``, the process
    that let us in, is the one that answers.
    """
    # A server that is no process of its own names none.
    direct = f"pg_backend_pid() = {pid}" if pid else "true"
    values = [
        _set(name, value)
        if name in KEPT_BY_POOLERS
        else f"CASE WHEN {direct} THEN {_set(name, value)} ELSE {_current(name)} END"
        for name, value in _wanted(options).items()
    ]

    if _PLANS not in options.settings:
        seen = "EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')"
        values.append(f"CASE WHEN {direct} AND {seen} THEN {_set(_PLANS, _CUSTOM)} END")

    if options.hypertables == "index":
        values.append(f"CASE WHEN {direct} THEN {_with_functions(options)} END")

    return f"SELECT {', '.join((*_FACTS, *values))}"


def answer(result: PGresult, options: Options, pid: int) -> Greeting:
    """Return what the server said, or raise where it refuses a setting or cannot keep it."""
    if result.status != ExecStatus.TUPLES_OK:
        raise _refusal(result, options)

    values = [result.get_value(0, column) for column in range(result.nfields)]
    shown = [None if value is None else bytes(value).decode() for value in values]
    pooled = bool(pid) and shown[0] != str(pid)

    if pooled:
        _check_kept(options, shown[len(_FACTS) :])

    return Greeting(
        pooled=pooled,
        read_only=shown[1] == "on",
        in_recovery=shown[2] == "t",
        timescale=shown[3],
    )


def _wanted(options: Options) -> Mapping[str, str]:
    return {**_READ_BY, **options.settings}


def _with_functions(options: Options) -> str:
    """Return what puts the functions of ours last on the search path, be they there or not."""
    given = options.settings.get("search_path")
    path = _current("search_path") if given is None else _literal(given)
    both = f"concat_ws(', ', nullif(btrim({path}), ''), {_literal(SCHEMA)})"
    return f"set_config('search_path', {both}, false)"


def _set(name: str, value: str) -> str:
    return f"set_config({_literal(name)}, {_literal(value)}, false)"


def _current(name: str) -> str:
    return f"current_setting({_literal(name)}, true)"


def _literal(text: str) -> str:
    # The form that means the same whatever standard_conforming_strings is.
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{escaped}'" if "\\" in text else f"'{escaped}'"


def _refusal(result: PGresult, options: Options) -> InfrastructureError:
    error = server_error(
        result,
        f"connect to {options.where}",
        known=_no_secrets(options.settings),
        outcome="not_applied",
        read_write=options.read_write,
    )

    if (
        not options.settings
        or error.sqlstate is None
        or error.sqlstate[:2] not in {"22", "42", "55"}
    ):
        return error

    names = ", ".join(sorted(options.settings))
    wrong = ConfigurationError(
        f"{error.message}; look at settings= ({names})",
        sqlstate=error.sqlstate,
        operation="connect",
    )
    wrong.__cause__ = error.__cause__
    return wrong


def _no_secrets(settings: Mapping[str, str]) -> str:
    """Return the server's own settings as it repeats them; those with a dot are the application's."""
    known = {name.lower(): value for name, value in settings.items() if "." not in name}
    return "\n".join(f'{name}": "{value}' for name, value in known.items())


def _check_kept(options: Options, shown: list[Optional[str]]) -> None:
    for (name, value), there in zip(_wanted(options).items(), shown, strict=False):
        if there != value:
            msg = (
                f"connect to {options.where}: a pooler stands before the server and shares its "
                f"connections, so the setting {name} cannot be made there; make it by ALTER ROLE "
                f"... SET {name} = ... (or ALTER DATABASE), or connect without the pooler"
            )
            raise ConfigurationError(msg, operation="connect")
