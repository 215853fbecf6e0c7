"""The SQLite storage keeps every promise of a storage, with reads on the loop and on a thread."""

from __future__ import annotations

from functools import partial

from infrastructure.conformance.harnesses.sqlite import SQLiteHarness
from infrastructure.conformance.pytest import conformance

test_sqlite = conformance(SQLiteHarness)
test_sqlite_reads_on_threads = conformance(partial(SQLiteHarness, "sqlite://?inline_reads=false"))
