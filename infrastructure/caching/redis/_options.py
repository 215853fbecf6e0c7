"""What a Redis cache is made with: a URL and keyword options, checked in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..._core.codec import Codec
from ..._core.secrets import Secret
from ..._core.urls import parse_url, refuse_unknown
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import ConfigurationError
from ._address import Address, read_address
from ._checks import CHECKS

__all__ = ["DEFAULTS", "Mode", "Options", "read_options"]

Mode = Literal["multiplexed", "pooled"]

DEFAULTS: Mapping[str, Any] = {
    "deadline": None,
    "prefix": "",
    "codec": "msgpack",
    "mode": "multiplexed",
    "max_connections": 10,
    "near": None,
    "near_entries": 0,
    "lease": 3.0,
    "client_name": None,
    "tls_ca_file": None,
    "sentinel_user": None,
    "sentinel_password": None,
}
"""What each option is where nobody says otherwise."""

_IN_URL: Mapping[str, Any] = {name: DEFAULTS[name] for name in DEFAULTS if name != "near"}
_NUMBERS: Mapping[str, Callable[[str], Any]] = {
    "deadline": float,
    "lease": float,
    "max_connections": int,
    "near_entries": int,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Where the servers are, and the checked options."""

    address: Address
    deadline: float | None
    prefix: str
    codec: Codec
    mode: Mode
    max_connections: int
    near: CachingInterface | None
    near_entries: int
    lease: float
    client_name: str | None
    tls_ca_file: str | None
    sentinel_user: str | None
    sentinel_password: Secret | None

    @property
    def where(self) -> str:
        """Which servers these are, without secrets."""
        return self.address.where


def read_options(url: str, given: Mapping[str, Any]) -> Options:
    """Return what ``url`` and the keyword options ``given`` say together."""
    parts = parse_url(url)
    _check_encodable(url)
    address = read_address(parts)
    # A socket's URL alone has no place for the database in its path.
    known = {**_IN_URL, "db": 0} if address.path else _IN_URL
    refuse_unknown(parts.options, known, address.where)
    values = {name: _one(name, given, parts.options, address.where) for name in DEFAULTS}
    options = Options(
        address=address, **{name: CHECKS[name](name, value) for name, value in values.items()}
    )
    _check_together(options)
    return options


def _check_encodable(url: str) -> None:
    try:
        url.encode()
    except UnicodeEncodeError as exc:
        msg = f"the URL cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
        raise ConfigurationError(msg) from None


def _one(name: str, given: Mapping[str, Any], texts: Mapping[str, str], where: str) -> Any:
    keyword = given.get(name, DEFAULTS[name])

    if name not in texts:
        return keyword

    try:
        value = _NUMBERS.get(name, str)(texts[name])
    except ValueError as exc:
        msg = f"the option {name} of {where} is a number, got {texts[name]!r:.60}"
        raise ConfigurationError(msg) from exc

    # Without the values: a password may be among them.
    if keyword not in (DEFAULTS[name], value):
        msg = f"{name} stands in the URL {where} and, with another value, as a keyword; say it once"
        raise ConfigurationError(msg)

    return value


def _check_together(options: Options) -> None:
    """Raise for options that are right alone and make no sense together."""
    where, near = options.where, options.near is not None or options.near_entries > 0

    if options.near is not None and options.near_entries:
        msg = "near= is a near cache and near_entries= asks for one; give one of the two"
        raise ConfigurationError(msg)

    if near and options.mode == "pooled":
        msg = "a near cache needs the one link of mode='multiplexed': leave mode= or the near cache out"
        raise ConfigurationError(msg)

    if options.tls_ca_file is not None and not options.address.tls:
        msg = f"tls_ca_file= is for TLS, and {where} has none; say rediss://"
        raise ConfigurationError(msg)

    named = options.sentinel_user is not None or options.sentinel_password is not None

    if named and options.address.topology != "sentinel":
        msg = f"sentinel_user= and sentinel_password= are for redis+sentinel://, not for {where}"
        raise ConfigurationError(msg)
