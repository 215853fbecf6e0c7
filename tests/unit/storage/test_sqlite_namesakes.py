"""Two tables of one name: a statement is made for the columns of the one that it writes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from infrastructure.storage.sqlite import SQLiteStorage


@pytest.fixture
async def storage() -> AsyncIterator[SQLiteStorage]:
    """One with a table of integers."""
    async with SQLiteStorage() as made:
        await made.create_table("twice", {"a": "BIGINT"})
        yield made


async def test_a_temporary_table_has_its_own_types(storage: SQLiteStorage) -> None:
    """It hides the other for as long as its transaction has it."""
    async with storage.transaction():
        await storage.execute("CREATE TEMPORARY TABLE twice (a DECIMAL_TEXT)")
        await storage.execute("INSERT INTO twice (a) VALUES ($1)", [Decimal("1.5")])
        await storage.execute("INSERT INTO temp.twice (a) VALUES ($1)", [Decimal("2.5")])
        await storage.execute("INSERT INTO main.twice (a) VALUES ($1)", [3])
        rows = await storage.execute("SELECT a FROM temp.twice")
        assert rows == [{"a": Decimal("1.5")}, {"a": Decimal("2.5")}]

    assert await storage.execute("SELECT a FROM twice") == [{"a": 3}]


async def test_a_table_of_another_file_has_its_own_types(
    tmp_path: Path, storage: SQLiteStorage
) -> None:
    """The transaction has attached it."""
    async with SQLiteStorage(f"sqlite:///{tmp_path / 'other.db'}") as other:
        await other.create_table("twice", {"a": "TEXT"})

        async with storage.transaction():
            await storage.execute(f"ATTACH '{tmp_path / 'other.db'}' AS other")
            await storage.execute("INSERT INTO other.twice (a) VALUES ($1)", ["text"])

        assert await other.execute("SELECT a FROM twice") == [{"a": "text"}]
