"""The SQLite storage keeps every promise of a storage, with reads on the loop and on a thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest

from infrastructure.conformance._check import Check
from infrastructure.conformance._harness import StorageHarness, wanted
from infrastructure.conformance.storage import CHECKS
from infrastructure.storage.sqlite import SQLiteStorage

_EXPRESSIONS = "SQLite knows the type of a column only: a cast restores it"


class SQLiteHarness(StorageHarness):
    """A file of its own for each check."""

    missing: ClassVar = {
        "arrays": "SQLite has none: json_each() reads a JSON parameter",
        "float_nan": "SQLite stores a nan as NULL, and minus zero as zero",
        "schemas": "SQLite has none",
        "text_input": "SQLite would store the text as it is",
        "typed_expressions": _EXPRESSIONS,
        "typed_parameters": "SQLite compares whatever it gets",
    }
    inline_reads = True

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'check.db'}"

    def make(self, **options: Any) -> SQLiteStorage:
        return SQLiteStorage(self.url, inline_reads=self.inline_reads, **options)


class ReadsOnThreads(SQLiteHarness):
    """The same without a read on the event loop."""

    inline_reads = False


@pytest.mark.parametrize("harness", [SQLiteHarness, ReadsOnThreads], ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    "check", [one for one in CHECKS if wanted(one, SQLiteHarness)], ids=lambda check: check.name
)
async def test_sqlite(check: Check, harness: type[SQLiteHarness], tmp_path: Path) -> None:
    await check.run(harness(tmp_path))
