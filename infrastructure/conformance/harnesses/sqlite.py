"""The harness of the SQLite storage."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlsplit

from ..._core.secrets import scrub
from ..._core.urls import parse_url
from ...interfaces.exceptions import ConfigurationError
from ...storage.sqlite import SQLiteStorage
from .._harness import StorageHarness
from ._urls import without

__all__ = ["SQLiteHarness"]


class SQLiteHarness(StorageHarness):
    """A file of its own for each check, in a temporary folder.

    The folder is made beside the file of the URL, which is left alone, so that the checks
    run on that file system; for ``sqlite://`` it is where temporary files are.
    """

    missing: Mapping[str, str] = MappingProxyType(
        {
            "arrays": "SQLite has none: json_each() reads a JSON parameter",
            "float_nan": "SQLite stores a nan as NULL, and minus zero as zero",
            "schemas": "SQLite has none",
            "text_input": "SQLite would store the text as it is",
            "typed_expressions": "SQLite knows the type of a column only: a cast restores it",
            "typed_parameters": "SQLite compares whatever it gets",
        }
    )

    def __init__(self, url: str = "sqlite://") -> None:
        path = parse_url(url).path
        self._beside = _folder_of(url, path)
        self._query = urlsplit(url).query
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def open(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="conform-", dir=self._beside)

    def make(self, **options: Any) -> SQLiteStorage:
        """Return a storage on this check's file."""
        assert self._folder is not None, "open() comes first"
        path = quote(str(Path(self._folder.name, "check.db").absolute()))
        return SQLiteStorage(without(f"sqlite:///{path}?{self._query}", options), **options)

    async def close(self) -> None:
        """Remove the folder."""
        assert self._folder is not None, "open() comes first"
        self._folder.cleanup()


def _folder_of(url: str, path: str) -> Path | None:
    """Return the folder of the URL's file; without it every check would fail, for one reason."""
    folder = Path(path).parent if path else None

    if folder is not None and not folder.is_dir():
        msg = f"{scrub(url)}: there is no folder {folder}; the checks run in one of their own there"
        raise ConfigurationError(msg)

    return folder
