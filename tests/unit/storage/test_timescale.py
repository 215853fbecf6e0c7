"""What TimescaleDB makes of a table: hypertables, policies, continuous aggregates, chunks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from infrastructure import OperationError, ValidationError
from infrastructure.storage.postgres import PostgresStorage
from tests.servers.postgres_endpoint import PostgresEndpoint

from .golden import assert_golden

READINGS: dict[str, Any] = {"زمان": "TIMESTAMPTZ", "the device": str, "value": float}
HOURLY = (
    "SELECT time_bucket('1 hour', \"زمان\") AS hour, avg(value) AS v FROM دما GROUP BY 1; -- hourly"
)
NOW = datetime.now(UTC)


def opened(server: PostgresEndpoint, settings: dict[str, str] | None = None) -> PostgresStorage:
    options: Any = server.storage_options
    return PostgresStorage(server.url, settings=settings, **options)


@pytest.fixture
async def storage(timescale: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """Give a storage in a schema of its own, with a table of readings of sixty days."""
    schema = f"test_{uuid4().hex[:12]}"
    path = f"{schema}, public"

    async with opened(timescale) as outer:
        await outer.execute(f"CREATE SCHEMA {schema}")

    try:
        async with opened(timescale, settings={"search_path": path}) as inner:
            await inner.create_table("دما", READINGS)
            await inner.execute_many(
                "INSERT INTO دما VALUES ($1, 'one', $2)",
                [[NOW - timedelta(days=day), float(day)] for day in range(60)],
            )
            yield inner
    finally:
        async with opened(timescale) as outer:
            await outer.execute(f"DROP SCHEMA {schema} CASCADE")


async def hypertable(storage: PostgresStorage) -> None:
    await storage.create_hypertable("دما", "زمان", chunk_interval="1 day")


async def jobs(storage: PostgresStorage, table: str) -> list[str]:
    rows = await storage.execute(
        # Older ones know those of a view by the table that keeps its rows.
        "SELECT proc_name FROM timescaledb_information.jobs WHERE hypertable_name IN ($1, ("
        "SELECT materialization_hypertable_name FROM timescaledb_information.continuous_aggregates "
        "WHERE view_schema = current_schema() AND view_name = $1)) ORDER BY 1",
        [table],
    )
    return [row["proc_name"] for row in rows]


async def dimensions(storage: PostgresStorage, table: str) -> list[Any]:
    rows = await storage.execute(
        "SELECT column_name::text, time_interval, integer_interval, num_partitions "
        "FROM timescaledb_information.dimensions "
        "WHERE hypertable_schema = current_schema() AND hypertable_name = $1 ORDER BY dimension_number",
        [table],
    )
    return [tuple(row.values()) for row in rows]


async def test_rows_move_into_chunks_and_again_is_no_change(storage: PostgresStorage) -> None:
    """create_table too finds it the same afterwards."""
    for _ in range(2):
        await hypertable(storage)
        await storage.create_table("دما", READINGS)

    assert await dimensions(storage, "دما") == [("زمان", timedelta(days=1), None, None)]
    assert await storage.execute("SELECT count(*) AS n FROM دما") == [{"n": 60}]

    with pytest.raises(OperationError, match="'value' is NOT NULL, wanted nullable"):
        await storage.create_table("دما", {**READINGS, "value": "DOUBLE PRECISION"})


async def test_rows_may_be_spread_over_partitions_too(storage: PostgresStorage) -> None:
    """Rows that are there move with it; a unique key has both columns in it."""
    await storage.create_hypertable(
        "دما", "زمان", partitioning_column="the device", number_partitions=4
    )
    assert await dimensions(storage, "دما") == [
        ("زمان", timedelta(days=7), None, None),
        ("the device", None, None, 4),
    ]
    await storage.create_table("keyed", {"at": "DATE PRIMARY KEY", "of": int})

    with pytest.raises(ValidationError, match="TS103"):
        await storage.create_hypertable(
            "keyed", "at", partitioning_column="of", number_partitions=2
        )


async def test_a_column_of_integers_has_an_interval_of_integers(storage: PostgresStorage) -> None:
    """In its own unit; a timedelta is refused, and a width that is too large."""
    await storage.create_table("counted", {"n": int, "value": float})

    with pytest.raises(ValidationError):
        await storage.create_hypertable("counted", "n", chunk_interval=timedelta(days=1))

    await storage.create_hypertable("counted", "n", chunk_interval=1000)
    assert await dimensions(storage, "counted") == [("n", None, 1000, None)]
    await storage.create_table("daily", {"day": "DATE"})

    with pytest.raises(ValidationError, match="chunk_interval"):
        await storage.create_hypertable("daily", "day", chunk_interval="1 hour")


async def test_another_time_or_rows_that_may_not_move_are_refused(storage: PostgresStorage) -> None:
    """The table stays what it was."""
    with pytest.raises(OperationError, match="not empty"):
        await storage.create_hypertable("دما", "زمان", migrate_data=False)

    await storage.create_table("two", {"at": datetime, "day": date})
    await storage.create_hypertable("two", "at")

    with pytest.raises(OperationError, match="by 'at' already"):
        await storage.create_hypertable("two", "day")


async def test_policies_are_added_once_and_compared(storage: PostgresStorage) -> None:
    """One of other widths is an error that shows both."""
    await hypertable(storage)

    for _ in range(2):
        await storage.add_retention_policy("دما", timedelta(days=365))
        await storage.add_compression_policy(
            "دما", "7 days", segment_by="the device", order_by=['"زمان" DESC', "value NULLS FIRST"]
        )

    await storage.add_compression_policy("دما", timedelta(days=7))
    assert await jobs(storage, "دما") == ["policy_compression", "policy_retention"]

    with pytest.raises(OperationError, match=r"365 days.*2 years"):
        await storage.add_retention_policy("دما", "2 years")

    with pytest.raises(OperationError, match=r"7 days.*8 days"):
        await storage.add_compression_policy("دما", "8 days")

    rows = await storage.execute(
        "SELECT attname::text AS name, segmentby_column_index AS s, orderby_column_index AS o, "
        "orderby_asc AS up, orderby_nullsfirst AS first FROM timescaledb_information.compression_settings "
        "WHERE hypertable_schema = current_schema() ORDER BY s, o"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("the device", 1, None, None, None),
        ("زمان", None, 1, False, True),
        ("value", None, 2, True, True),
    ]


async def test_a_continuous_aggregate_is_kept_up_to_date(storage: PostgresStorage) -> None:
    """Its rows are there at once, and a further call changes nothing."""
    await hypertable(storage)

    for _ in range(2):
        await storage.create_continuous_aggregate(
            "ساعتی", HOURLY, end_offset="1 hour", schedule_interval=timedelta(hours=1)
        )

    assert await storage.execute("SELECT count(*) AS n FROM ساعتی") == [{"n": 60}]
    assert await jobs(storage, "ساعتی") == ["policy_refresh_continuous_aggregate"]
    await storage.add_retention_policy("ساعتی", "3 years")

    with pytest.raises(OperationError, match="9 days"):
        await storage.create_continuous_aggregate(
            "ساعتی", HOURLY, start_offset="9 days", end_offset="1 hour", schedule_interval="1 hour"
        )

    with pytest.raises(OperationError, match="no continuous aggregate"):
        await storage.create_continuous_aggregate("دما", HOURLY)


async def test_old_chunks_are_dropped(storage: PostgresStorage) -> None:
    """Older than a width, an instant or a day; the names come back."""
    await hypertable(storage)
    assert len(await storage.drop_chunks("دما", timedelta(days=50))) == 9
    assert len(await storage.drop_chunks("دما", NOW - timedelta(days=40))) == 10
    assert await storage.drop_chunks("دما", date(2000, 1, 1)) == []


async def test_a_rollback_undoes_it(storage: PostgresStorage) -> None:
    """Everything runs in the open transaction."""
    await hypertable(storage)

    with pytest.raises(ZeroDivisionError):
        async with storage.transaction():
            await storage.add_retention_policy("دما", "1 year")
            await storage.create_continuous_aggregate("ساعتی", HOURLY, schedule_interval="1 hour")
            await storage.drop_chunks("دما", "7 days")
            raise ZeroDivisionError

    assert await jobs(storage, "دما") == []
    assert await storage.execute("SELECT count(*) AS n FROM دما") == [{"n": 60}]
    views = "SELECT viewname FROM pg_views WHERE schemaname = current_schema()"
    assert await storage.execute(views) == []


async def test_what_makes_no_sense_is_refused(storage: PostgresStorage) -> None:
    """Before anything is sent, or by the catalogue; nothing is pasted."""
    calls = (
        lambda: storage.add_retention_policy("missing", "1 day"),
        lambda: storage.add_retention_policy("دما", "1 day"),
        lambda: storage.add_retention_policy("دما", "1 day'"),
        lambda: storage.add_retention_policy("دما", timedelta(0)),
        lambda: storage.add_compression_policy("دما", "1 day", segment_by=5),  # type: ignore[arg-type] # that is it
        lambda: storage.add_compression_policy("دما", "1 day", order_by="value; DROP TABLE دما"),
        lambda: storage.create_continuous_aggregate("x", "DROP TABLE دما"),
        lambda: storage.create_continuous_aggregate("x", "SELECT $1::int AS a"),
        lambda: storage.create_continuous_aggregate("x", HOURLY, end_offset="1 hour"),
        lambda: storage.drop_chunks("دما", "now"),
    )

    for call in calls:
        with pytest.raises(ValidationError):
            await call()


async def test_the_buckets_are_those_that_are_kept(storage: PostgresStorage) -> None:
    """The table that the others are compared with is what this server answers."""
    await assert_golden(storage)
