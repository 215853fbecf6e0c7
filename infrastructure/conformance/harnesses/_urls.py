"""The URL that somebody wants proved, with its options, made one of a single check."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

__all__ = ["renamed"]


def renamed(url: str, name: str) -> str:
    """Return ``url`` with ``name`` in the place of its host, its query kept."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, name, "", parts.query, ""))
