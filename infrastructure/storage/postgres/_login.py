"""Tells by libpq's words why a connection was not made: it has no codes for that."""

from __future__ import annotations

import psycopg
from psycopg.pq.abc import PGconn

from ..._core.secrets import scrub
from ...interfaces.exceptions import ConfigurationError, ConnectionError, InfrastructureError
from ._tls import FIXES

__all__ = ["refused"]

_LONGEST = 400
_LOGIN = "look at the user and the password"
_SERVER = "does a server run there?"
_WAIT = "it starts, stops or recovers"

# Words of the last host's line in small letters, the SQLSTATE of the server's that say so, what
# to do. In another language than English only what libpq itself says is told.
_WRONG: tuple[tuple[str, str | None, str], ...] = (
    ("password authentication failed", "28P01", _LOGIN),
    ("sasl authentication failed", "28P01", _LOGIN),
    ("no such user", "28000", _LOGIN),
    ("no password supplied", "28P01", "the server asks for a password: name it in the URL"),
    ("authentication failed", "28000", _LOGIN),
    ("auth failed", "28000", _LOGIN),
    ("no pg_hba.conf entry", "28000", "the server lets this user in from elsewhere, or not at all"),
    ("pg_hba.conf rejects", "28000", "the server does not let this user in from here"),
    ("certificate verify failed", None, FIXES),
    ("does not match host name", None, FIXES),
    ("could not get server's host name", None, FIXES),
    ("does not support ssl", None, FIXES),
    ("root certificate file", None, FIXES),
    ("certificate file", None, "look at sslcert="),
    ("private key file", None, "look at sslkey="),
    ("channel binding", None, "look at channel_binding="),
    ("is not permitted to log in", "28000", "look at the user"),
    ("permission denied for database", "42501", "grant CONNECT to the user"),
    ("no such database", "3D000", "look at the database in the URL"),
    ("unsupported startup parameter", "08P01", "the pooler takes no PGOPTIONS"),
    ("unsupported frontend protocol", "0A000", "the server is too old"),
    ("local user", None, "name the user in the URL"),
)
_PASSING: tuple[tuple[str, str | None, str], ...] = (
    ("connection refused", "08001", _SERVER),
    ("no such file or directory", "08001", "is it the folder of the server's socket?"),
    ("too many", "53300", "the server has no connection left"),
    ("connection slots", "53300", "the server has no connection left"),
    ("no more connections", "53300", "the pooler has no connection left"),
    ("starting up", "57P03", _WAIT),
    ("shutting down", "57P03", _WAIT),
    ("in recovery mode", "57P03", _WAIT),
    ("not accepting connections", "57P03", _WAIT),
    ("not yet accepting connections", "57P03", _WAIT),
    ("session is read-only", "25006", "no host of the URL takes writes: is a failover under way?"),
    ("hot standby mode", "08001", "no host of the URL is what target_session_attrs= asks for"),
    ("session is not read-only", "08001", "no host is what target_session_attrs= asks for"),
    (
        "invalid response to ssl",
        "08P01",
        "it is no PostgreSQL, or knows nothing of TLS: ?sslmode=disable",
    ),
    ("authentication request", "08P01", "what answers is no PostgreSQL"),
)


def refused(pgconn: PGconn, where: str) -> InfrastructureError:
    """Return our error for a connection that libpq gave up; the last host's reason counts."""
    lines = _lines(pgconn.get_error_message())
    last = (lines[-1] if lines else "").lower()
    state, hint, wrong = _meaning(last, pgconn)
    said = scrub("; ".join(lines))[-_LONGEST:] or "libpq gave no reason"
    text = f"connect to {where}: {said}" + (f"; {hint}" if hint else "")
    error = (ConfigurationError if wrong else ConnectionError)(
        text, sqlstate=state, outcome="not_applied", operation="connect"
    )
    error.__cause__ = psycopg.OperationalError(said)
    return error


def _meaning(last: str, pgconn: PGconn) -> tuple[str | None, str, bool]:
    for words, state, hint in _WRONG:
        if words in last:
            return state, hint, True

    if 'database "' in last and "does not exist" in last:
        return "3D000", "look at the database in the URL", True

    if 'role "' in last and "does not exist" in last:
        return "28000", _LOGIN, True

    for words, state, hint in _PASSING:
        if words in last:
            return state, hint, False

    if pgconn.needs_password:
        return "28P01", "the server asks for a password: name it in the URL", True

    return None, "", False


def _lines(text: str) -> list[str]:
    """Return what was said of each host: hints and details are indented, or have their own word."""
    lines: list[str] = []

    for line in text.splitlines():
        # Whether a server runs there we ask ourselves.
        if not line.strip() or line.lstrip().startswith(("LINE ", "^", "Is the server running")):
            continue

        if lines and (line[0].isspace() or not line.startswith("connection to ")):
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.strip())

    return lines
