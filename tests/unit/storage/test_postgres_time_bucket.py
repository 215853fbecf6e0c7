"""``time_bucket`` on plain PostgreSQL: TimescaleDB's buckets, made at the first need."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from infrastructure import ConfigurationError, OperationError
from infrastructure.storage.postgres import PostgresStorage
from tests.servers.postgres_endpoint import PostgresEndpoint

from .golden import assert_golden

NOON = datetime(2024, 3, 31, 12, tzinfo=UTC)


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    async with PostgresStorage(postgres_database.url, hypertables="index") as opened:
        yield opened


async def schemas(storage: PostgresStorage) -> list[str]:
    rows = await storage.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'infra%'")
    return [row["nspname"] for row in rows]


async def test_who_did_not_ask_for_it_is_told_how(postgres_database: PostgresEndpoint) -> None:
    """Nothing is made where an index on the time will not do."""
    async with PostgresStorage(postgres_database.url) as strict:
        with pytest.raises(OperationError, match='hypertables="index"') as caught:
            await strict.execute("SELECT time_bucket('1 day', now()) AS day")

        assert caught.value.sqlstate == "42883"
        assert await schemas(strict) == []


async def test_the_buckets_are_those_of_timescaledb(storage: PostgresStorage) -> None:
    """Of every type of time, before and after the origins, with an origin and without."""
    await assert_golden(storage)


async def test_many_rows_find_it_too(storage: PostgresStorage) -> None:
    """Also where they are the first to need it."""
    await storage.create_table("days", {"day": "TIMESTAMPTZ"})
    insert = "INSERT INTO days VALUES (time_bucket('1 day', $1::timestamptz))"
    await storage.execute_many(insert, [[NOON]])
    assert await storage.execute("SELECT day FROM days") == [{"day": NOON.replace(hour=0)}]


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        # As TimescaleDB 2.23 answers.
        ("time_bucket('1 day', $1::timestamptz, '2 hours'::interval)", "2024-03-31 02:00+00:00"),
        ("time_bucket('1 month', $1::timestamptz, '2 days'::interval)", "2024-03-03 00:00+00:00"),
        ("time_bucket('1 day', $1::timestamptz, 'Europe/Berlin')", "2024-03-30 23:00+00:00"),
        ("time_bucket('7 days', $1::timestamptz, 'Asia/Tehran')", "2024-03-24 20:30+00:00"),
        (
            "time_bucket('1 day', $1::timestamptz, 'Europe/Berlin', '2024-01-01 05:00+00')",
            "2024-03-31 04:00+00:00",
        ),
        (
            "time_bucket('1 day', $1::timestamptz, 'Europe/Berlin', NULL, '2 hours')",
            "2024-03-31 01:00+00:00",
        ),
        ("time_bucket('36 hours', $1::timestamptz)", "2024-03-31 12:00+00:00"),
    ],
)
async def test_offsets_and_time_zones(storage: PostgresStorage, call: str, wanted: str) -> None:
    """A day of a time zone begins at its midnight."""
    rows = await storage.execute(f"SELECT {call} AS b", [NOON])
    assert rows == [{"b": datetime.fromisoformat(wanted)}]


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        ("time_bucket('7 days', date '2024-03-31', '1 day'::interval)", date(2024, 3, 26)),
        ("time_bucket('1 month', date '2024-03-31', '-1 day'::interval)", date(2024, 3, 31)),
        ("time_bucket(10, -7)", -10),
        ("time_bucket(10::smallint, 7::smallint, 3::smallint)", 3),
        ("time_bucket(NULL::interval, now())", None),
        ("time_bucket('1 day', timestamp 'infinity')", "infinity"),
    ],
)
async def test_dates_integers_and_nothing(storage: PostgresStorage, call: str, wanted: Any) -> None:
    """Each keeps its type; what has no bucket stays what it is."""
    assert await storage.execute(f"SELECT {call} AS b") == [{"b": wanted}]


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("time_bucket('1 month 1 day', now())", "0A000"),
        ("time_bucket('25 hours', date '2024-03-31')", "0A000"),
        ("time_bucket('0 hours', now())", "22023"),
        ("time_bucket('-1 month', now())", "22023"),
        ("time_bucket(0, 5)", "22023"),
    ],
)
async def test_a_width_that_is_none_is_refused(
    storage: PostgresStorage, call: str, state: str
) -> None:
    """With TimescaleDB's own codes."""
    with pytest.raises(OperationError, match="time_bucket: ") as caught:
        await storage.execute(f"SELECT {call} AS b")

    assert caught.value.sqlstate == state


async def test_a_parameter_may_be_the_width(storage: PostgresStorage) -> None:
    """A timedelta is an interval."""
    rows = await storage.execute(
        "SELECT time_bucket($1, $2::timestamptz) AS b", [timedelta(hours=5), NOON]
    )
    assert rows == [{"b": datetime(2024, 3, 31, 9, tzinfo=UTC)}]


async def test_it_is_made_at_its_first_need(storage: PostgresStorage) -> None:
    """Neither by connect nor by another statement; what a transaction made and undid is made again."""
    await storage.execute("SELECT 'time_bucket' AS x")
    assert await schemas(storage) == []

    with pytest.raises(ZeroDivisionError):
        async with storage.transaction():
            await storage.execute("SELECT time_bucket('1 day', now()) AS b")
            raise ZeroDivisionError

    assert await schemas(storage) == []
    await storage.execute("SELECT time_bucket('1 day', now()) AS b")
    assert await schemas(storage) == ["infrastructure_functions"]


async def test_tables_are_made_where_they_were(storage: PostgresStorage) -> None:
    """The schema of the functions is the last one of the search path."""
    await storage.execute("SELECT time_bucket('1 day', now()) AS b")
    await storage.create_table("made", {"id": "BIGINT"})
    rows = await storage.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'made'")
    assert rows == [{"schemaname": "public"}]


async def test_many_make_it_at_once(postgres_database: PostgresEndpoint) -> None:
    """One after another, and each finds it."""
    async with AsyncExitStack() as stack:
        storages = [
            await stack.enter_async_context(
                PostgresStorage(postgres_database.url, hypertables="index")
            )
            for _ in range(8)
        ]
        query = "SELECT time_bucket('1 day', timestamptz '2024-03-31 12:00+00') AS b"
        found = await asyncio.gather(*(each.execute(query) for each in storages))

    assert found == [[{"b": datetime(2024, 3, 31, tzinfo=UTC)}]] * 8


async def test_the_planner_sees_through_it(storage: PostgresStorage) -> None:
    """With a constant width a call is date_bin, and no function of ours is left in the plan."""
    await storage.create_table("readings", {"at": datetime})
    await storage.execute("SELECT time_bucket('1 hour', at) AS b FROM readings")
    rows = await storage.execute(
        "EXPLAIN (VERBOSE) SELECT time_bucket('1 hour', at) AS b FROM readings"
    )
    plan = " ".join(row["QUERY PLAN"] for row in rows)
    assert "date_bin" in plan
    assert "infrastructure_functions" not in plan


async def test_without_the_privilege_it_says_what_to_run(
    postgres_database: PostgresEndpoint,
) -> None:
    """And that is enough: the role makes the functions in the schema it was given."""
    with postgres_database.role() as role:
        async with PostgresStorage(role.url, hypertables="index") as storage:
            query = "SELECT time_bucket('1 day', date '2024-03-31') AS b"

            with pytest.raises(ConfigurationError) as caught:
                await storage.execute(query)

            ddl = re.search(r"CREATE SCHEMA \w+ AUTHORIZATION \"\w+\"", str(caught.value))
            assert ddl is not None

            with postgres_database.control() as control:
                control.execute(ddl[0].encode())

            assert await storage.execute(query) == [{"b": date(2024, 3, 31)}]
