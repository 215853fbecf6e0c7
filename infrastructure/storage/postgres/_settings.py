"""What a PostgreSQL storage is made with: a URL and keyword options, checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

from ..._core.secrets import Secret
from ..._core.urls import Url, parse_url, refuse_unknown
from ...interfaces.exceptions import ConfigurationError
from ._address import Address, read_address
from ._checks import CHECKS, check_text

__all__ = ["DEFAULTS", "Options", "options_of"]

DEFAULTS: Mapping[str, Any] = {
    "deadline": None,
    "max_connections": 10,
    "pipelining": True,
    "group_commit": False,
    "bulk": "auto",
    "hypertables": "require",
    "settings": None,
    "listen_url": None,
    "statement_cache": 256,
    "prepared": "auto",
    "application_name": "infrastructure",
    "target_session_attrs": None,
    "sslmode": None,
    "sslrootcert": None,
    "sslcert": None,
    "sslkey": None,
    "channel_binding": None,
}
"""What each option is where nobody says otherwise."""

_SETTING = "settings."
_NUMBERS: Mapping[str, Callable[[str], Any]] = {
    "deadline": float,
    "max_connections": int,
    "statement_cache": int,
}
# They say how to reach the other server, too; the rest of the options is this storage's.
_OF_THE_LINK = ("application_name", "sslmode", "sslrootcert", "sslcert", "sslkey")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Where the servers are, and the checked options.

    ``listen``  where to listen for notifications, if not there: a pooler cannot.
    """

    address: Address
    deadline: Optional[float]
    max_connections: int
    pipelining: bool
    group_commit: bool
    bulk: Literal["auto", "copy", "values"]
    hypertables: Literal["require", "index"]
    # The application may keep a secret in one of its own.
    settings: Mapping[str, str] = field(repr=False)
    listen: Optional[Options]
    statement_cache: int
    prepared: Literal["auto", "off"]
    application_name: Optional[str]
    target_session_attrs: str
    sslmode: Optional[str]
    sslrootcert: Optional[str]
    sslcert: Optional[str]
    sslkey: Optional[str]
    channel_binding: Optional[str]

    @property
    def where(self) -> str:
        """Which servers these are, without secrets."""
        return self.address.where

    @property
    def read_write(self) -> bool:
        """Whether a server was asked for that takes writes."""
        return self.target_session_attrs in {"read-write", "primary"}


def options_of(url: str, given: Mapping[str, Any]) -> Options:
    """Return what ``url`` and the keyword options ``given`` say together.

    A setting of the server stands in the URL as ``settings.search_path=app``.
    """
    parts = parse_url(url)
    check_text("the URL", url)
    address = read_address(parts)
    _refuse_unknown(parts, address)
    values = {name: _one(name, given, parts.options, address.where) for name in DEFAULTS}
    values["settings"] = _settings(values["settings"], parts, address.where)
    listen_url = values.pop("listen_url")
    checked = {name: CHECKS[name](name, value) for name, value in values.items()}
    # One of several may be a standby, and a storage writes.
    usual = "read-write" if len(address.hosts) > 1 else "any"
    checked["target_session_attrs"] = checked["target_session_attrs"] or usual
    return Options(address=address, listen=_listen(listen_url, values), **checked)


def _refuse_unknown(parts: Url, address: Address) -> None:
    known = {**DEFAULTS, "host": None, "port": None}
    # libpq's own way to say it; not with its text: the application's secret may be among it.
    if "options" in parts.options:
        msg = f"{address.where} has options=: say settings.search_path=..., one for each parameter"
        raise ConfigurationError(msg)

    named = {name: None for name in parts.options if not name.startswith(_SETTING)}
    refuse_unknown(named, known, address.where)

    if "settings" in parts.options:
        msg = f"{address.where} has settings=: in a URL say settings.search_path=app"
        raise ConfigurationError(msg)


def _one(name: str, given: Mapping[str, Any], texts: Mapping[str, str], where: str) -> Any:
    keyword = given.get(name, DEFAULTS[name])

    if name not in texts:
        return keyword

    try:
        value = _NUMBERS.get(name, str)(texts[name])
    except ValueError as exc:
        msg = f"the option {name} of {where} is a number, got {texts[name]!r:.60}"
        raise ConfigurationError(msg) from exc

    if isinstance(DEFAULTS[name], bool):
        value = CHECKS[name](name, value)

    # Without the values: a password may be among them.
    if keyword not in (DEFAULTS[name], value):
        msg = f"{name} stands in the URL {where} and, with another value, as a keyword; say it once"
        raise ConfigurationError(msg)

    return value


def _settings(given: Any, parts: Url, where: str) -> Any:
    texts = {
        name.removeprefix(_SETTING): value
        for name, value in parts.options.items()
        if name.startswith(_SETTING)
    }

    if not texts:
        return given

    checked = CHECKS["settings"]("settings", given)

    for name, value in texts.items():
        if checked.get(name, value) != value:
            msg = (
                f"the setting {name} stands in the URL {where} and, with another value, as a "
                "keyword; say it once"
            )
            raise ConfigurationError(msg)

    return {**checked, **texts}


def _listen(url: Any, values: Mapping[str, Any]) -> Optional[Options]:
    if url is None:
        return None

    text = url.reveal() if isinstance(url, Secret) else url

    if not isinstance(text, str):
        msg = f"listen_url= takes a URL, or None, got a {type(url).__name__}"
        raise ConfigurationError(msg)

    own = parse_url(text).options
    return options_of(text, {name: values[name] for name in _OF_THE_LINK if name not in own})
