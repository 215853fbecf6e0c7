"""Checks the options of a PostgreSQL storage, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..._core.deadline import check_seconds
from ..._core.urls import flag_option
from ...interfaces.exceptions import ConfigurationError

__all__ = ["CHECKS", "check_text"]

# A parameter of an extension has a dot in its name.
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
_OURS: Mapping[str, str] = {
    **dict.fromkeys(
        ("client_encoding", "datestyle", "intervalstyle", "standard_conforming_strings"),
        "the storage reads values by it",
    ),
    "timezone": "it is UTC; say AT TIME ZONE where another is needed",
    "application_name": "it is an option of its own, application_name=",
}


def _wrong(name: str, what: str, value: Any) -> ConfigurationError:
    return ConfigurationError(f"{name}= takes {what}, got {value!r:.60}")


def check_text(name: str, text: str) -> str:
    """Return a text that libpq can be given; it is not shown: it may be a password."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as exc:
        msg = f"{name} cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
        raise ConfigurationError(msg) from None

    if "\0" in text or size > 8192:
        what = "has a NUL" if "\0" in text else f"takes {size} bytes; 8192 are allowed"
        msg = f"{name} {what}"
        raise ConfigurationError(msg)

    return text


def _deadline(_name: str, value: Any) -> float | None:
    # As with every backend: a bad number of seconds is a ValidationError.
    return None if value is None else check_seconds("deadline=", value)


def _count(name: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 100_000:
        raise _wrong(name, "a whole number from 1 to 100000", value)

    return value


def _choice(name: str, value: Any, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise _wrong(name, f"{', '.join(map(repr, words[:-1]))} or {words[-1]!r}", value)

    return str(value)


def _optional_choice(name: str, value: Any, words: tuple[str, ...]) -> str | None:
    return None if value is None else _choice(name, value, words)


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None

    if not isinstance(value, str) or not value:
        raise _wrong(name, "a non-empty str, or None", value)

    return check_text(f"{name}=", str(value))


def _settings(name: str, value: Any) -> Mapping[str, str]:
    if value is None:
        return {}

    if not isinstance(value, Mapping):
        raise _wrong(
            name, "a mapping of the server's parameters to values, or None", type(value).__name__
        )

    return dict(_setting(*each) for each in value.items())


def _setting(name: Any, value: Any) -> tuple[str, str]:
    if not isinstance(name, str) or not _SETTING.fullmatch(name):
        msg = f"settings= names parameters of the server, such as 'search_path', got {name!r:.60}"
        raise ConfigurationError(msg)

    if (why := _OURS.get(name.lower())) is not None:
        msg = f"settings= cannot set {name!r}: {why}"
        raise ConfigurationError(msg)

    if isinstance(value, bool):
        return name, "on" if value else "off"

    if not isinstance(value, (str, int, float)):
        # Without the value, as everywhere: a setting may be a secret of the application.
        msg = f"settings={{{name!r}: ...}} takes a str, a number or a bool, got {type(value).__name__}"
        raise ConfigurationError(msg)

    return name, check_text(f"settings={{{name!r}: ...}}", str(value))


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "deadline": _deadline,
    "max_connections": _count,
    "pipelining": flag_option,
    "group_commit": flag_option,
    "bulk": partial(_choice, words=("auto", "copy", "values")),
    "hypertables": partial(_choice, words=("require", "index")),
    "settings": _settings,
    "statement_cache": _count,
    "prepared": partial(_choice, words=("auto", "off")),
    "application_name": _text,
    "target_session_attrs": partial(
        _optional_choice,
        words=("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
    "sslmode": partial(
        _optional_choice, words=("verify-full", "verify-ca", "require", "prefer", "disable")
    ),
    "sslrootcert": _text,
    "sslcert": _text,
    "sslkey": _text,
    "channel_binding": partial(_optional_choice, words=("require", "prefer", "disable")),
}
"""What returns the value of each option checked, or raises ``ConfigurationError``."""
