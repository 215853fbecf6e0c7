"""The URL that somebody wants proved, with its options, made one of a single check."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .._faults import FaultHarness

__all__ = ["renamed", "through", "without"]


def renamed(url: str, name: str) -> str:
    """Return ``url`` with ``name`` in the place of its host, its query kept."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, name, "", parts.query, ""))


def through(url: str, faults: FaultHarness | None) -> str:
    """Return ``url``, with the proxy in the place of the server once that is open."""
    if faults is None or not faults.is_open:
        return url

    parts, proxy = urlsplit(url), faults.proxy
    account, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{account}{at}{proxy.host}:{proxy.port}"))


def without(url: str, names: Collection[str]) -> str:
    """Return ``url`` without these options: what a check is about it says itself."""
    base, _, query = url.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    rest = urlencode([(name, value) for name, value in options if name not in names])
    return f"{base}?{rest}" if rest else base
