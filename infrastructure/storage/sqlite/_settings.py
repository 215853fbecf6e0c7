"""The settings of a SQLite storage, and a connection made by them."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional, Union
from urllib.parse import quote

from ..._core.secrets import scrub
from ..._core.urls import flag_option, number_option, parse_url, refuse_unknown
from ...interfaces.exceptions import ConfigurationError
from ._inherited import Connection, opening, refuse_inherited
from .converters import register_converters
from .functions import register_functions

__all__ = ["Options", "Settings", "make_file", "open_connection", "options_of"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = "the storage runs in WAL mode, with several connections, and reads by query_only"
_RESERVED = {
    "busy_timeout": "how long a lock is waited for is said by deadline=",
    "journal_mode": _OURS,
    "locking_mode": _OURS,
    "query_only": _OURS,
    "schema_version": _OURS,
    "writable_schema": _OURS,
}
"""Pragmas that are not the user's to set, and why."""
_VALUE = re.compile(r"[A-Za-z0-9_.+-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The options of the constructor and of the URL; ``path`` is ``None`` for a temporary file."""

    path: Optional[Path] = None
    deadline: Optional[float] = None
    read_only: bool = False
    inline_reads: bool = True
    pragmas: Mapping[str, Union[str, int]] = field(default_factory=dict)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "deadline": number_option,
    "read_only": flag_option,
    "inline_reads": flag_option,
}
"""The options that may stand in the URL, and what reads each."""


def options_of(
    url: str, given: Mapping[str, Any], pragmas: Mapping[str, Union[str, int]]
) -> Options:
    """Return what a URL and the options given say together; raise ``ConfigurationError``."""
    parts = parse_url(url)

    if parts.scheme != "sqlite" or parts.hosts:
        msg = (
            f"SQLiteStorage takes sqlite:///relative.db, sqlite:////absolute.db or sqlite://, "
            f"got {scrub(url)!r}"
        )
        raise ConfigurationError(msg)

    refuse_unknown(parts.options, _READERS, "sqlite://")
    read = {name: _one(name, given[name], parts.options) for name in _READERS}

    for name, value in pragmas.items():
        check_pragma(name, value)

    options = Options(
        path=Path(parts.path) if parts.path else None,
        pragmas=dict(pragmas),
        **read,
    )

    if options.read_only and options.path is None:
        msg = "sqlite:// is a new temporary database: read_only needs a file, sqlite:///path"
        raise ConfigurationError(msg)

    return options


def _one(name: str, given: Any, texts: Mapping[str, str]) -> Any:
    default = getattr(Options(), name)
    value = given if given is default else _READERS[name](name, given)

    if name not in texts:
        return value

    text = _READERS[name](name, texts[name])

    if value not in (default, text):
        msg = f"{name} is {text!r} in the URL and {value!r} as a keyword: say it once"
        raise ConfigurationError(msg)

    return text


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How to open the database.

    ``path``       the file; made where it is missing, readable by its owner only.
    ``read_only``  open an existing file, refuse every write.
    ``pragmas``    applied to every connection, over the defaults of ours.
    """

    path: Path
    read_only: bool = False
    pragmas: Mapping[str, Union[str, int]] = field(default_factory=dict)


def check_pragma(name: Any, value: Any) -> None:
    """Raise ``ConfigurationError`` for a pragma that is not one word and one plain value."""
    if not isinstance(name, str) or not _WORD.fullmatch(name):
        msg = f"a pragma's name is one word, got {name!r:.60}"
        raise ConfigurationError(msg)

    if (why := _RESERVED.get(name.lower())) is not None:
        msg = f"the pragma {name} is the storage's own: {why}"
        raise ConfigurationError(msg)

    if (
        isinstance(value, bool)
        or not isinstance(value, (str, int))
        or not _VALUE.fullmatch(str(value))
    ):
        msg = f"the pragma {name} takes a word or a number, got {value!r:.60}"
        raise ConfigurationError(msg)


def open_connection(settings: Settings, *, writer: bool, busy_wait: float) -> sqlite3.Connection:
    """Return a new connection with our functions, collation, converters and pragmas."""
    refuse_inherited(settings.path)
    register_converters()
    mode = "ro" if settings.read_only else "rwc" if writer else "rw"

    if mode == "rwc" and not settings.path.exists():
        # It is SQLite that says why a file cannot be made.
        with suppress(OSError):
            make_file(settings.path)

    with opening(settings.path):
        con = _connect(settings, mode, busy_wait)

        try:
            _prepare(con, settings, writer=writer)
        except BaseException:
            con.close()
            raise

        con.opened(settings.path)

    return con


def make_file(path: Path) -> None:
    """Make an empty file, which SQLite takes for a new one, and which nobody else may read.

    It is made elsewhere and given its name then, unless that is taken: to close a file ends all locks
    that the process has on it, those of another connection that was faster, too
    (https://sqlite.org/howtocorrupt.html, 2.2).
    """
    # Of a link that leads nowhere yet it is the target that is made.
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=".sqlite-", dir=path.parent)
    os.close(handle)

    try:
        _link(name, path)
    finally:
        Path(name).unlink()


def _link(name: str, path: Path) -> None:
    try:
        os.link(name, path)
    except FileExistsError:
        raise
    except OSError:
        # Not every file system has links; this makes a file without opening it, where it is allowed.
        if not hasattr(os, "mknod"):
            raise

        os.mknod(path, 0o600)


def _connect(settings: Settings, mode: str, busy_wait: float) -> Connection:
    return sqlite3.connect(
        f"file:{quote(str(settings.path))}?mode={mode}",
        uri=True,
        timeout=busy_wait,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        detect_types=sqlite3.PARSE_DECLTYPES,
        factory=Connection,
    )


def _prepare(con: sqlite3.Connection, settings: Settings, *, writer: bool) -> None:
    register_functions(con)

    if writer and not settings.read_only:
        con.execute("PRAGMA journal_mode=WAL")

    pragmas: dict[str, Union[str, int]] = {
        "synchronous": "NORMAL",
        "foreign_keys": "ON",
        "case_sensitive_like": "ON",
        **{name.lower(): value for name, value in settings.pragmas.items()},
    }

    for name, value in pragmas.items():
        con.execute(f"PRAGMA {name}={value}")

    if not writer:
        con.execute("PRAGMA query_only=ON")

    # A file that is no database shows itself only when it is read.
    con.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
