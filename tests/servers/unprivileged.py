"""Who runs a server that refuses to be run by root, and folders and programs for that user."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import commands, janitor
from .program import Program

__all__ = ["account", "folder", "hand_over", "reachable", "run", "user"]


@functools.cache
def user() -> int | None:
    """Return the number of ``nobody`` where root runs the tests; else ``None``: it is oneself."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def folder(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """Return a new temporary folder of that user's."""
    made = janitor.folder(prefix)
    hand_over(Path(made.name))
    return made


def hand_over(path: Path) -> None:
    """Make it that user's own."""
    number = user()

    if number is not None:
        os.chown(path, number, pwd.getpwuid(number).pw_gid)


def run(program: Program, arguments: Sequence[object]) -> str:
    """Run a program as that user and return what it printed, which an error shows too."""
    command = [str(program.path), *map(str, arguments)]
    # Where the tests run that user may not be.
    environment = {"cwd": "/", "env": os.environ | dict(program.env)}
    return commands.run(program.path.name, command, **environment, **account())


def reachable(program: Program) -> Program:
    """Return ``program``, or a copy of it for this run where that user may not get at it."""
    if program.tree is None:
        return program

    try:
        run(program, ["--version"])
    except PermissionError:
        return program.moved(_copied(program.tree))

    return program


def account() -> dict[str, Any]:
    """Return the options of ``subprocess`` by which that user runs a command."""
    number = user()

    if number is None:
        return {}

    return {"user": number, "group": pwd.getpwuid(number).pw_gid, "extra_groups": []}


@functools.cache
def _copied(tree: Path) -> Path:
    copies = folder("servers-")
    atexit.register(copies.cleanup)
    return shutil.copytree(tree, Path(copies.name) / tree.name, symlinks=True)
