"""The files that a parent process had open at the fork, which this process must not open."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Optional

from ...interfaces.exceptions import ConfigurationError

__all__ = ["Connection", "opening", "refuse_inherited"]

# SQLite keeps its locks by process and file, in memory that a fork copies: a child's connection
# counts the parent's locks as its own and takes none. The parent, the last one as it seems,
# deletes the log that the child still writes to, and what was acknowledged there is lost; or the
# child waits for ever for a writer that it inherited (https://sqlite.org/howtocorrupt.html, 2.6).
_File = tuple[int, int]
_open: dict[int, _File] = {}
_inherited: set[_File] = set()


class Connection(sqlite3.Connection):
    """A connection that is counted among those open on their files."""

    def opened(self, path: Path) -> None:
        """Count it."""
        if (file := _file(path)) is not None:
            _open[id(self)] = file

    def close(self) -> None:
        """Close it, and count it no more."""
        super().close()
        _open.pop(id(self), None)


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Count a file, too, that is only being opened: its locks are in that memory already."""
    key = object()

    if (file := _file(path)) is not None:
        _open[id(key)] = file

    try:
        yield
    finally:
        _open.pop(id(key), None)


def refuse_inherited(path: Path) -> None:
    """Raise where the parent had the file open as this process was forked."""
    if _file(path) in _inherited:
        msg = (
            f"connect to the SQLite file {path}: the process that this one was forked from had it "
            "open, and SQLite's locks do not survive a fork; disconnect before the fork and "
            "connect after it, or start the process by spawn"
        )
        raise ConfigurationError(msg)


def _file(path: Path) -> Optional[_File]:
    try:
        found = path.stat()
    except OSError:
        return None

    return found.st_dev, found.st_ino


def _forked() -> None:
    _inherited.update(_open.values())
    _open.clear()


# There is no fork on Windows.
with suppress(AttributeError):
    os.register_at_fork(after_in_child=_forked)
