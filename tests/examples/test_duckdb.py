"""A third party's storage of under 100 lines is proved by the suite, in pytest and on the terminal."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure import OperationError, TransactionError
from infrastructure.conformance.pytest import conformance
from infrastructure.interfaces import ConflictError, ConnectionError

from ._folder import EXAMPLES, example

DuckDBStorage = example("duckdb_storage").DuckDBStorage
DuckDBHarness = example("duckdb_harness").DuckDBHarness
CONFORM = [sys.executable, "-m", "infrastructure", "conform"]
FILES = [EXAMPLES / "duckdb_storage.py", EXAMPLES / "duckdb_harness.py"]

test_duckdb = conformance(DuckDBHarness)


@pytest.mark.slow
def test_the_command_line_proves_it() -> None:
    """Named as a module of the folder where it is called, it exits with 0."""
    done = subprocess.run(
        [*CONFORM, "--backend", "duckdb_harness:DuckDBHarness", "--checks", "S[67]_*"],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"level core: all \d\d checks passed", done.stdout)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_is_short_and_needs_public_names_only(file: Path) -> None:
    """Under 100 lines, and no module of ours with an underscore."""
    text = file.read_text("utf-8")
    assert len(text.splitlines()) < 100
    imported = [node.module for node in ast.walk(ast.parse(text)) if type(node) is ast.ImportFrom]
    ours = [name for name in imported if name and name.startswith("infrastructure")]
    assert ours
    assert not [name for name in ours if "._" in name]


async def test_a_column_named_count_is_a_column(tmp_path: Path) -> None:
    """What DuckDB calls the count of a write is no name that a query may not use."""
    async with DuckDBStorage(str(tmp_path / "a.duckdb")) as storage:
        assert await storage.execute('SELECT 1 AS "Count"') == [{"Count": 1}]


async def test_a_second_begin_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    """DuckDB has no savepoints: TransactionError, and the transaction is not failed by it."""
    async with DuckDBStorage(str(tmp_path / "a.duckdb")) as storage:
        await storage.create_table("t", {"n": "BIGINT"})
        await storage.begin_transaction()
        await storage.execute("INSERT INTO t VALUES (1)")

        with pytest.raises(TransactionError, match="no savepoints"):
            await storage.begin_transaction()

        await storage.commit()
        assert await storage.execute("SELECT n FROM t") == [{"n": 1}]


async def test_two_writers_of_one_row_conflict(tmp_path: Path) -> None:
    """The later one gets ConflictError, which says that trying again may help."""
    async with DuckDBStorage(str(tmp_path / "a.duckdb")) as storage:
        await storage.create_table("t", {"n": "BIGINT"})
        await storage.execute("INSERT INTO t VALUES (1)")

        async with storage.transaction():
            await storage.execute("UPDATE t SET n = 2")

            async with storage.detached():
                with pytest.raises(ConflictError) as caught:
                    await storage.execute("UPDATE t SET n = 3")

        assert caught.value.retryable
        assert await storage.execute("SELECT n FROM t") == [{"n": 2}]


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """A folder that is not there: ConnectionError from connect, and nothing is left behind."""
    storage = DuckDBStorage(str(tmp_path / "nowhere" / "a.duckdb"))

    with pytest.raises(ConnectionError, match="nowhere"):
        await storage.connect()

    assert not await storage.is_connected()
    await storage.disconnect()


async def test_no_hypertable_is_told(tmp_path: Path) -> None:
    """ConfigurationError, which is no OperationError."""
    async with DuckDBStorage(str(tmp_path / "a.duckdb")) as storage:
        with pytest.raises(Exception, match="DuckDB has no hypertables") as caught:
            await storage.create_hypertable("t", "at")

        assert not isinstance(caught.value, OperationError)
