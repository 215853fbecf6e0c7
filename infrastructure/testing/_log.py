"""What a server process prints: a file, of which an error shows the end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

__all__ = ["ServerLog"]

# Bytes that an error shows.
_TAIL = 2000


class ServerLog:
    """Adds to the file at ``path``; a temporary one, new at each start, where it is ``None``."""

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def open(self) -> BinaryIO:
        """Return the file for the process to print to."""
        self._file = self._opened()
        return self._file

    def _opened(self) -> BinaryIO:
        # Readable too, for `end`.
        if self._path is None:
            return tempfile.TemporaryFile("w+b")

        return Path(self._path).open("a+b")

    def close(self) -> None:
        """Let go of the file; without effect where it is not open."""
        file, self._file = self._file, None

        if file is not None:
            file.close()

    def end(self) -> str:
        """Return what the open file ends with, as a part of a sentence."""
        assert self._file is not None
        # Not by seek: the server may write at the same position.
        descriptor = self._file.fileno()
        start = max(0, os.fstat(descriptor).st_size - _TAIL)
        tail = os.pread(descriptor, _TAIL, start).decode(errors="replace").strip()
        return f"its log ends:\n{tail}" if tail else "its log is empty"
