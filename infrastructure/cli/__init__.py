"""The command line: ``infrastructure demo`` and what else there is."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without its libraries, say how to get them."""
    try:
        from .app import app
    except ModuleNotFoundError as exc:
        if exc.name not in ("typer", "rich"):
            raise

        sys.exit(f"the command line needs {exc.name}: pip install 'infrastructure-interfaces[cli]'")

    app()
