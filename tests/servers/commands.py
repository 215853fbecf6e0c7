"""Commands that servers need before they run: found on this machine, and run to their end."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

__all__ = ["MissingServerError", "found", "run"]


class MissingServerError(RuntimeError):
    """A server cannot be started on this machine; the text says what to install."""


def found(name: str, needed_by: str, remedy: str) -> str:
    """Return where ``name`` is; where it is missing the error tells who needs it, and what to do."""
    path = shutil.which(name)

    if path is None:
        msg = f"{needed_by} needs {name}, which is not installed: {remedy}"
        raise MissingServerError(msg)

    return path


def run(told: str, command: Sequence[str], **options: Any) -> str:
    """Run a command and return what it printed, which an error shows too.

    The error calls it ``told``: its arguments may hold a password.
    """
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        **options,
    )

    if done.returncode:
        msg = f"{told} ended with status {done.returncode}: {done.stdout}"
        raise RuntimeError(msg)

    return done.stdout
