"""What a memory cache is made with: a URL and keyword options, checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..._core.urls import parse_url, refuse_unknown
from ...interfaces.exceptions import ConfigurationError

__all__ = ["DEFAULTS", "Options", "read_options"]

DEFAULTS: Mapping[str, Any] = {
    "deadline": None,
    "max_entries": 1_000_000,
    "max_bytes": 512 * 1024 * 1024,
}
"""What each option is where nobody says otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """The name of the shared store, ``""`` for a private one, and the checked options."""

    name: str
    deadline: float | None
    max_entries: int | None
    max_bytes: int | None


def read_options(url: str, given: Mapping[str, Any]) -> Options:
    """Return what ``url`` and the keyword options ``given`` say together."""
    parts = parse_url(url)
    where = f"memory://{parts.hosts[0][0] if parts.hosts else ''}"
    plain = len(parts.hosts) <= 1 and not any(port for _, port in parts.hosts)

    if parts.scheme != "memory" or not plain or parts.path or parts.user or parts.password:
        msg = "a memory cache is opened by memory:// (private) or memory://name (shared)"
        raise ConfigurationError(msg)

    refuse_unknown(parts.options, DEFAULTS, where)
    options = {name: _one(name, given[name], parts.options, where) for name in DEFAULTS}
    _check_limit("max_entries", options["max_entries"])
    _check_limit("max_bytes", options["max_bytes"])
    return Options(name=where.removeprefix("memory://"), **options)


def _one(name: str, given: Any, texts: Mapping[str, str], where: str) -> Any:
    if name not in texts:
        return given

    value = _read(name, texts[name], where)

    if given not in (DEFAULTS[name], value):
        msg = f"{name} is {value!r} in the URL {where} and {given!r} as a keyword; say it once"
        raise ConfigurationError(msg)

    return value


def _read(name: str, text: str, where: str) -> Any:
    kind: Callable[[str], Any] = float if name == "deadline" else int

    if text.lower() == "none" and name != "deadline":
        return None

    try:
        return kind(text)
    except ValueError as exc:
        what = "a number of seconds" if kind is float else "a whole number or none"
        msg = f"{name}={text!r:.40} of {where} is not {what}"
        raise ConfigurationError(msg) from exc


def _check_limit(name: str, value: Any) -> None:
    if value is not None and (type(value) is not int or value < 1):
        msg = f"{name}= is a positive int, or None for no limit, got {value!r:.40}"
        raise ConfigurationError(msg)
