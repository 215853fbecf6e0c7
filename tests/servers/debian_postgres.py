"""Debian's PostgreSQL, which is some years older than the newest, and has TLS."""

from __future__ import annotations

from . import debian
from .program import Program

__all__ = ["program"]


def program() -> Program:
    """Return its `postgres`: where none is installed it is downloaded once."""
    return debian.program("postgresql", "usr/lib/postgresql/*/bin/postgres")
