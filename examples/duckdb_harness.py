"""What proves the storage on DuckDB: infrastructure conform --backend duckdb_harness:DuckDBHarness."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from duckdb_storage import DuckDBStorage

from infrastructure.conformance import StorageHarness


class DuckDBHarness(StorageHarness):
    """A file of its own for each check."""

    level = "core"
    # Left out: what takes savepoints, which DuckDB has not (joined_tasks, cancellation); secrets,
    # for its errors quote values; typed_values, for it converts what it can; and what is too much
    # for an example: streams, table comparison, schemas, arrays of sets, time_bucket.
    features = (
        *("blocks", "deadlines", "detached", "driver_errors", "isolation", "lifecycle"),
        *("loop_owner", "session_commands", "statement_control", "transactional_ddl"),
    )

    async def open(self) -> None:
        """Make the folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="duckdb-")

    def make(self, **options: Any) -> DuckDBStorage:
        """Return a storage on this check's file."""
        return DuckDBStorage(str(Path(self._folder.name, "check.duckdb")), **options)

    async def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
