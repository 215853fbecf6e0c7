"""Programs that no package of Python brings: each in a folder that is filled once."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

__all__ = ["INSTALLED", "digest", "installed"]

INSTALLED = Path(__file__).resolve().parents[2] / "build" / "servers"
"""Where they are; removed by ``make clean``."""


def digest(parts: Iterable[bytes]) -> str:
    """Return a few letters that are others when what a program is made from has changed."""
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def installed(name: str, fill: Callable[[Path, Path], object]) -> Path:
    """Return the folder ``name``; where it is missing, ``fill`` gets one, and another for scratch.

    It is there as a whole or not at all.
    """
    folder = INSTALLED / name

    if not folder.is_dir():
        INSTALLED.mkdir(parents=True, exist_ok=True)

        with tempfile.TemporaryDirectory(dir=INSTALLED) as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            fill(new, Path(scratch))
            _rename(new, folder)

    return folder


def _rename(new: Path, folder: Path) -> None:
    try:
        new.rename(folder)
    except OSError:
        # Another run may have been as fast.
        if not folder.is_dir():
            raise
