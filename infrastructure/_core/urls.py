"""Splits a backend's URL at the border, so that a password never travels inside a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import parse_qsl, unquote

from ..interfaces.exceptions import ConfigurationError
from .secrets import Secret, scrub

__all__ = ["Url", "flag_option", "number_option", "parse_url", "refuse_unknown"]

_NOT_UTF_8 = "what stands behind a % in the URL is not UTF-8; write a % itself as %25"
# urllib takes one host: newer ones refuse an address in brackets behind another.
_PARTS = re.compile(r"([^/?#]*)/?([^?#]*)(?:\?([^#]*))?")
_HOST = re.compile(r"(?:([^:\[\]]*)|\[([^\]]*)\])(?::(.*))?", re.DOTALL)
_PLAIN_HOST = re.compile(r"(?:[^:]*|\[[^\]]*\])(?::[0-9]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Url:
    """A URL in its parts; ``hosts`` are ``(name, port or None)``, ``path`` begins without slash."""

    scheme: str
    hosts: tuple[tuple[str, int | None], ...] = ()
    user: str | None = None
    password: Secret | None = None
    path: str = ""
    # A password may be among them.
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_url(text: Any) -> Url:
    """Return the parts of ``scheme://user:password@host:port,host:port/path?option=value``."""
    if not isinstance(text, str) or "://" not in text:
        shown = repr(scrub(text)) if isinstance(text, str) else _not_text(text)
        msg = f"a URL looks like scheme://..., got {shown:.120}"
        raise ConfigurationError(msg)

    # Of a variable that was read from a file the end of the line is often a part.
    scheme, _, rest = text.strip().partition("://")
    location, path, query = _cut(rest)
    _refuse_stray_marks(location, rest.removeprefix(location))
    user_info, _, host_text = location.rpartition("@")
    user, _, password = user_info.partition(":")
    return Url(
        scheme=scheme.lower(),
        hosts=tuple(_host(part.strip(), text) for part in host_text.split(",") if part),
        user=_decoded(user) or None,
        password=Secret(_decoded(password)) if password else None,
        path=_decoded(path),
        options=_options(query, text),
    )


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        # Not with the cause: it has the bytes, which may be a password's.
        raise ConfigurationError(_NOT_UTF_8) from None


def _not_text(value: Any) -> str:
    # Most often the variable of the environment that should have held it is not set.
    return "None: is it set?" if value is None else f"a value of type {type(value).__name__}"


def _cut(rest: str) -> tuple[str, str, str]:
    found = _PARTS.match(rest)
    assert found is not None
    return found[1], found[2], found[3] or ""


def _refuse_stray_marks(location: str, behind: str) -> None:
    """Raise where a ``/ ? #`` in a password ended the location: its rest stands in clear behind.

    So nothing of the URL is shown. The ``@`` in a path without hosts, or in the value of an
    option, is one like any other.
    """
    path, _, query = behind.partition("?")
    names = "".join(name for name, _ in parse_qsl(query, keep_blank_values=True))
    cut = location and "@" not in location and "@" in behind
    plain = all(_PLAIN_HOST.fullmatch(part) for part in location.split(","))

    if "#" in behind or (cut and (not plain or "@" in path or "@" in names)):
        msg = (
            "the URL has a '#', or an '@' where none can be: in a user's name or a password write "
            "'/' as %2F, '?' as %3F, '#' as %23 and '@' as %40"
        )
        raise ConfigurationError(msg)


def _host(part: str, text: str) -> tuple[str, int | None]:
    found = _HOST.fullmatch(part)

    if found is None or not _is_address(found[2]):
        msg = (
            f"{part!r:.60} in {scrub(text)!r:.120} is no host: hosts stand between commas, an IPv6 "
            "address in brackets"
        )
        raise ConfigurationError(msg)

    name, address, port = found.groups()

    if port is None:
        return name or address, None

    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        msg = f"the port {port!r} in {scrub(text)!r} is not a number of 1 to 65535"
        raise ConfigurationError(msg)

    return name or address or "", int(port)


def _is_address(text: str | None) -> bool:
    try:
        return text is None or bool(IPv6Address(text))
    except ValueError:
        return False


def _options(query: str, text: str) -> dict[str, str]:
    options: dict[str, str] = {}

    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError(_NOT_UTF_8) from None

    for name, value in pairs:
        if name in options:
            msg = f"the option {name!r} stands twice in {scrub(text)!r}"
            raise ConfigurationError(msg)

        options[name] = value

    return options


def refuse_unknown(options: Mapping[str, Any], known: Mapping[str, Any], where: str) -> None:
    """Raise ``ConfigurationError`` that lists what there is for an option nobody knows."""
    unknown = sorted(set(options) - set(known))

    if unknown:
        names = ", ".join(sorted(known)) or "none"
        msg = f"{where} has no option {', '.join(map(repr, unknown))}; there are: {names}"
        raise ConfigurationError(msg)


def number_option(name: str, value: Any) -> float:
    """Return a number that was given as one or as the text of a URL."""
    try:
        return float(value)
    except (TypeError, ValueError) as exc:
        msg = f"the option {name} is a number, got {value!r:.60}"
        raise ConfigurationError(msg) from exc


def flag_option(name: str, value: Any) -> bool:
    """Return a flag that was given as ``bool`` or as the text of a URL."""
    flags = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

    if isinstance(value, bool):
        return value

    if isinstance(value, str) and value.lower() in flags:
        return flags[value.lower()]

    msg = f"the option {name} is true or false, got {value!r:.60}"
    raise ConfigurationError(msg)
