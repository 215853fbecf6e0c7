"""Checks the options of a Redis cache, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..._core.codec import Codec, codec_of
from ..._core.deadline import check_seconds
from ..._core.names import MAX_KEY
from ..._core.secrets import Secret
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import ConfigurationError

__all__ = ["CHECKS"]

_LEASES = (0.05, 3600.0)
# What CLIENT SETNAME takes: validateClientName in the server's networking.c.
_CLIENT_NAME = re.compile(r"[!-~]+")


def _wrong(name: str, what: str, value: Any) -> ConfigurationError:
    return ConfigurationError(f"{name}= takes {what}, got {value!r:.60}")


def _deadline(_name: str, value: Any) -> float | None:
    # As with every backend: a bad number of seconds is a ValidationError.
    return None if value is None else check_seconds("deadline=", value)


def _lease(name: str, value: Any) -> float:
    least, most = _LEASES

    if type(value) not in (int, float) or not least <= value <= most:
        raise _wrong(name, f"a number of seconds from {least:g} to {most:g}", value)

    return float(value)


def _prefix(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(name, "a str", value)

    size = _size(name, value)

    if size > MAX_KEY:
        msg = f"{name}={value[:40]!r}... takes {size} bytes; {MAX_KEY} are allowed"
        raise ConfigurationError(msg)

    return str(value)


def _size(name: str, text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as exc:
        # Without the text: it may be a password.
        msg = f"{name}= cannot be encoded in UTF-8: {exc.reason} at {exc.start}"
        raise ConfigurationError(msg) from None


def _codec(name: str, value: Any) -> Codec:
    if isinstance(value, str):
        return codec_of(value)

    if not all(callable(getattr(value, method, None)) for method in ("encode", "decode")):
        raise _wrong(name, "'msgpack', 'json', 'raw' or an object with encode and decode", value)

    codec: Codec = value
    return codec


def _mode(name: str, value: Any) -> str:
    if not isinstance(value, str) or value not in {"multiplexed", "pooled"}:
        raise _wrong(name, "'multiplexed' or 'pooled'", value)

    return str(value)


def _count(name: str, value: Any, least: int) -> int:
    if type(value) is not int or value < least:
        raise _wrong(name, f"a whole number from {least} on", value)

    return value


def _near(name: str, value: Any) -> CachingInterface | None:
    if value is None or isinstance(value, CachingInterface):
        return value

    raise _wrong(name, "a CachingInterface, such as a MemoryCache, or None", value)


def _text(name: str, value: Any) -> str | None:
    if value is None:
        return None

    if not isinstance(value, str) or not value:
        raise _wrong(name, "a non-empty str, or None", value)

    _size(name, value)
    return str(value)


def _client_name(name: str, value: Any) -> str | None:
    text = _text(name, value)

    if text is not None and not _CLIENT_NAME.fullmatch(text):
        raise _wrong(name, "letters, digits and signs of ASCII, no spaces", text)

    return text


def _secret(name: str, value: Any) -> Secret | None:
    if value is None or isinstance(value, Secret):
        return value

    if not isinstance(value, str) or not value:
        kind = "an empty one" if isinstance(value, str) else f"a {type(value).__name__}"
        msg = f"{name}= takes a non-empty str, or None, got {kind}"
        raise ConfigurationError(msg)

    _size(name, value)
    return Secret(value)


CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "deadline": _deadline,
    "prefix": _prefix,
    "codec": _codec,
    "mode": _mode,
    "max_connections": partial(_count, least=1),
    "near": _near,
    "near_entries": partial(_count, least=0),
    "lease": _lease,
    "client_name": _client_name,
    "tls_ca_file": _text,
    "sentinel_user": _text,
    "sentinel_password": _secret,
}
"""What returns the value of each option checked, or raises ``ConfigurationError``."""
