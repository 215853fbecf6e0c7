"""``create_hypertable`` on plain PostgreSQL: what it asks for, and what stands in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infrastructure import ConfigurationError, OperationError, ValidationError
from infrastructure.storage.postgres import PostgresStorage
from tests.servers.postgres_endpoint import PostgresEndpoint

SCHEMA: dict[str, Any] = {"at": "TIMESTAMPTZ", "device": "BIGINT", "value": float}


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    async with PostgresStorage(postgres_database.url, hypertables="index") as opened:
        await opened.create_table("readings", SCHEMA)
        yield opened


async def indexes(storage: PostgresStorage, table: str = "readings") -> list[str]:
    rows = await storage.execute("SELECT indexdef FROM pg_indexes WHERE tablename = $1", [table])
    return [row["indexdef"].partition(" USING ")[2] for row in rows]


async def test_by_default_it_says_how_to_enable_timescaledb(
    postgres_database: PostgresEndpoint,
) -> None:
    """And what else can be done; the table stays as it was."""
    async with PostgresStorage(postgres_database.url) as storage:
        await storage.create_table("readings", SCHEMA)

        with pytest.raises(ConfigurationError) as caught:
            await storage.create_hypertable("readings", "at")

        assert "CREATE EXTENSION timescaledb" in str(caught.value)
        assert 'hypertables="index"' in str(caught.value)
        await storage.execute("INSERT INTO readings (value) VALUES (1)")

        # The checks come first.
        with pytest.raises(ValidationError, match="NULL"):
            await storage.create_hypertable("readings", "at")


async def test_an_index_stands_in_and_a_warning_says_so(
    storage: PostgresStorage, caplog: pytest.LogCaptureFixture
) -> None:
    """The second time there is nothing to do, and create_table forgives the NOT NULL."""
    with caplog.at_level(logging.WARNING):
        await storage.create_hypertable("readings", "at")

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "TimescaleDB is not enabled" in caplog.text
    await storage.create_hypertable("readings", "at")
    await storage.create_table("readings", SCHEMA)
    assert await indexes(storage) == ["btree (at DESC)"]

    with pytest.raises(OperationError, match="'device'"):
        await storage.create_table("readings", {**SCHEMA, "device": int})


async def test_an_index_by_somebody_else_is_not_taken_for_it(storage: PostgresStorage) -> None:
    """Another NOT NULL is a difference still."""
    await storage.execute("CREATE INDEX ON readings (at DESC)")
    await storage.execute("ALTER TABLE readings ALTER at SET NOT NULL")

    with pytest.raises(OperationError, match="'at' is NOT NULL, wanted nullable"):
        await storage.create_table("readings", SCHEMA)


async def test_a_table_that_took_the_name_gets_its_own(storage: PostgresStorage) -> None:
    """A renamed table keeps its index."""
    await storage.create_hypertable("readings", "at")
    await storage.execute("ALTER TABLE readings RENAME TO old")
    await storage.create_table("readings", SCHEMA)
    await storage.create_hypertable("readings", "at")
    assert await indexes(storage) == await indexes(storage, "old") == ["btree (at DESC)"]


async def test_by_another_column_it_is_refused(storage: PostgresStorage) -> None:
    """A hypertable has one time."""
    await storage.create_hypertable("readings", "at")

    with pytest.raises(OperationError, match="by 'at' already") as caught:
        await storage.create_hypertable("readings", "device")

    assert caught.value.sqlstate == "TS110"


@pytest.mark.parametrize(
    "options",
    [
        {"chunk_interval": 5},
        {"chunk_interval": timedelta(0)},
        {"chunk_interval": timedelta(days=-1)},
        {"chunk_interval": "1 parsec"},
        {"chunk_interval": "0 days"},
        {"chunk_interval": "1 day'); DROP TABLE readings; --"},
        {"chunk_interval": True},
        {"partitioning_column": "device"},
        {"number_partitions": 4},
        {"partitioning_column": "device", "number_partitions": 0},
        {"partitioning_column": "missing", "number_partitions": 4},
        {"partitioning_column": "", "number_partitions": 4},
    ],
)
async def test_options_that_make_no_sense_are_refused(
    storage: PostgresStorage, options: dict[str, Any]
) -> None:
    """Here too, where only TimescaleDB would use them; nothing changes."""
    with pytest.raises(ValidationError):
        await storage.create_hypertable("readings", "at", **options)

    assert await indexes(storage) == []


@pytest.mark.parametrize(
    "index",
    ["UNIQUE INDEX i ON readings (device)", "UNIQUE INDEX i ON readings ((device + 1), value)"],
)
async def test_every_unique_index_has_the_time_in_it(storage: PostgresStorage, index: str) -> None:
    """One of expressions too; TimescaleDB's code is TS103."""
    await storage.execute(f"CREATE {index}")

    with pytest.raises(ValidationError) as caught:
        await storage.create_hypertable("readings", "at")

    assert caught.value.sqlstate == "TS103"


async def test_what_is_no_table_is_refused(storage: PostgresStorage) -> None:
    """A view has rows of its table only."""
    await storage.execute("CREATE VIEW seen AS SELECT * FROM readings")

    with pytest.raises(ValidationError, match="a view"):
        await storage.create_hypertable("seen", "at")


async def test_many_make_it_at_once(postgres_database: PostgresEndpoint) -> None:
    """They wait for one another, not for each other: one index, no deadlock."""
    async with AsyncExitStack() as stack:
        storages = [
            await stack.enter_async_context(
                PostgresStorage(postgres_database.url, hypertables="index")
            )
            for _ in range(6)
        ]
        await storages[0].create_table("readings", SCHEMA)
        await storages[0].execute("INSERT INTO readings VALUES ($1, 1, 1.5)", [datetime.now(UTC)])
        await asyncio.gather(*(each.create_hypertable("readings", "at") for each in storages))
        assert await indexes(storages[0]) == ["btree (at DESC)"]


async def test_somebody_else_s_table_is_a_matter_of_configuration(
    postgres_database: PostgresEndpoint, storage: PostgresStorage
) -> None:
    """Its owner makes it a hypertable."""
    with postgres_database.role() as role:
        async with PostgresStorage(role.url, hypertables="index") as poor:
            with pytest.raises(ConfigurationError, match="owner") as caught:
                await poor.create_hypertable("readings", "at")

    assert caught.value.sqlstate == "42501"
    assert await indexes(storage) == []


async def test_the_methods_of_timescaledb_say_that_it_is_missing(storage: PostgresStorage) -> None:
    """Nothing pretends to have compression or retention."""
    await storage.create_hypertable("readings", "at")
    query = "SELECT time_bucket('1 day', at) AS day FROM readings GROUP BY 1"

    for call in (
        lambda: storage.add_retention_policy("readings", "30 days"),
        lambda: storage.add_compression_policy("readings", "7 days"),
        lambda: storage.create_continuous_aggregate("daily", query),
        lambda: storage.drop_chunks("readings", "30 days"),
    ):
        with pytest.raises(ConfigurationError, match="CREATE EXTENSION timescaledb"):
            await call()
