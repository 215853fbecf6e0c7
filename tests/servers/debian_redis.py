"""Debian's Redis 7, with TLS, and the command that makes certificates for it."""

from __future__ import annotations

from . import debian
from .program import Program

__all__ = ["openssl", "program"]


def program() -> Program:
    """Return Redis: where it is not installed it is downloaded once."""
    return debian.program("redis-server", "usr/bin/redis-server")


def openssl() -> Program:
    """Return the command that makes certificates, from the same place."""
    return debian.program("openssl", "usr/bin/openssl")
