"""The command line: ``infrastructure demo`` and what else there is."""

from __future__ import annotations

import io
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
    except KeyboardInterrupt:
        # No command has begun.
        sys.exit(130)

    for stream in (sys.stdout, sys.stderr):
        # A terminal or a pipe that knows no ° or █ shows a question mark, and no traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

    app()
