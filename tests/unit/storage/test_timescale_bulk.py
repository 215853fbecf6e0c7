"""``execute_many`` into hypertables: COPY, where the server has it, or arrays, with all that chunks may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infrastructure import IntegrityError, TransactionError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint

pytestmark = pytest.mark.slow

INSERT = "INSERT INTO readings (at, device, value) VALUES ($1, $2, $3)"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 30
MANY = 5000


@pytest.fixture
async def storage(timescale: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """Give a storage with a hypertable of a chunk a day, and a key of time and device."""
    options: Any = timescale.storage_options

    async with PostgresStorage(timescale.url, **options) as opened:
        columns: dict[str, Any] = {"at": "TIMESTAMPTZ PRIMARY KEY", "device": "TEXT PRIMARY KEY"}
        await opened.create_table("readings", {**columns, "value": float})
        await opened.create_hypertable("readings", "at", chunk_interval="1 day")
        yield opened


def rows(count: int = MANY, device: str = "one") -> list[list[Any]]:
    """Return rows of thirty days, each of another day than the one before it."""
    return [
        [START + timedelta(days=number * 7 % DAYS, seconds=number), f"{device} {number % 9}", 0.5]
        for number in range(count)
    ]


async def stored(storage: PostgresStorage) -> list[list[Any]]:
    found = await storage.execute("SELECT at, device, value FROM readings")
    return sorted(list(row.values()) for row in found)


async def number_of(storage: PostgresStorage, what: str) -> Any:
    return (await storage.execute(f"SELECT count(*) AS n FROM {what}"))[0]["n"]


async def compress(storage: PostgresStorage) -> None:
    await storage.add_compression_policy("readings", "50 years", segment_by="device")
    await storage.execute("SELECT compress_chunk(c) FROM show_chunks('readings') AS c")


async def empty(storage: PostgresStorage) -> None:
    await storage.execute("TRUNCATE readings")


async def test_rows_reach_their_chunks(timescale: PostgresEndpoint, storage) -> None:
    """All of them, from a list and from an iterator, by one command; none stays in the table itself."""
    for bulk in timescale.bulk:
        for many in (rows(), iter(rows())):
            await storage.execute_many(INSERT, many, bulk=bulk)
            assert await stored(storage) == sorted(rows())
            assert await number_of(storage, "show_chunks('readings')") == DAYS
            assert await number_of(storage, "ONLY readings") == 0
            assert await number_of(storage, "(SELECT DISTINCT cmin::text FROM readings) AS c") == 1
            await empty(storage)


async def test_nobody_has_to_ask_for_copy(timescale: PostgresEndpoint, storage) -> None:
    """It is what the server has heard last, and is not where it is not wanted."""
    if "copy" not in timescale.bulk:
        # In WebAssembly there is no COPY, and nobody else who could look.
        assert timescale.storage_options["bulk"] == "values"
        return

    for bulk, word in [("auto", "COPY"), ("values", "INSERT")]:
        await storage.execute_many(INSERT, rows(1000, bulk), bulk=bulk)

        with timescale.counters() as counters:
            [session] = counters.sessions()
            assert session["query"].startswith(word)


async def test_rows_are_spread_over_partitions_too(timescale: PostgresEndpoint, storage) -> None:
    """Chunks of a time and a part of the devices."""
    await storage.create_table("readings_of", {"at": "TIMESTAMPTZ", "device": str, "value": float})
    await storage.create_hypertable(
        "readings_of",
        "at",
        chunk_interval="10 days",
        partitioning_column="device",
        number_partitions=4,
    )
    insert = INSERT.replace("readings", "readings_of")

    for bulk in timescale.bulk:
        await storage.execute_many(insert, rows(), bulk=bulk)

    times = len(timescale.bulk)
    assert await number_of(storage, "readings_of") == times * MANY
    assert await number_of(storage, "readings_of WHERE device = 'one 4'") == times * len(
        [row for row in rows() if row[1] == "one 4"]
    )
    assert await number_of(storage, "show_chunks('readings_of')") > DAYS / 10


async def test_rows_join_those_that_are_compressed(timescale: PostgresEndpoint, storage) -> None:
    """The chunks stay compressed, and are compressed again with the new rows in them."""
    await storage.execute_many(INSERT, rows())
    await compress(storage)
    expected = rows()

    for bulk in timescale.bulk:
        await storage.execute_many(INSERT, rows(device=bulk), bulk=bulk)
        expected += rows(device=bulk)
        assert await stored(storage) == sorted(expected)

    compressed = "timescaledb_information.chunks WHERE is_compressed"
    assert await number_of(storage, compressed) == DAYS
    await storage.execute("SELECT compress_chunk(c) FROM show_chunks('readings') AS c")
    assert await stored(storage) == sorted(expected)


@pytest.mark.parametrize("position", [0, 60, 999, 4321])
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_key_that_is_there_is_named(
    timescale: PostgresEndpoint, storage, position: int, compressed: bool
) -> None:
    """The one of a row that is stored, compressed or not; nothing of the call is, no chunk either."""
    there = rows()[position]
    await storage.execute_many(INSERT, [there])

    if compressed:
        await compress(storage)

    for bulk in timescale.bulk:
        for many in (rows(), iter(rows())):
            with pytest.raises(IntegrityError) as caught:
                await storage.execute_many(INSERT, many, bulk=bulk)

            assert (caught.value.sqlstate, caught.value.row_index) == ("23505", position), bulk
            assert await stored(storage) == [there]
            assert await number_of(storage, "show_chunks('readings')") == 1


@pytest.mark.parametrize("position", [60, 999, 4321])
async def test_a_key_that_comes_twice_is_named(
    timescale: PostgresEndpoint, storage, position: int
) -> None:
    """The second row of it; those before it are not stored."""
    many = rows()
    many[position] = many[position - 31]

    for bulk in timescale.bulk:
        with pytest.raises(IntegrityError) as caught:
            await storage.execute_many(INSERT, many, bulk=bulk)

        assert (caught.value.sqlstate, caught.value.row_index) == ("23505", position), bulk
        assert await stored(storage) == []


async def test_a_transaction_takes_them_back(timescale: PostgresEndpoint, storage) -> None:
    """All that was seen inside is gone, the chunks too; a row that fails fails it."""
    for bulk in timescale.bulk:
        with pytest.raises(ZeroDivisionError):
            async with storage.transaction():
                await storage.execute_many(INSERT, rows(), bulk=bulk)
                assert await number_of(storage, "readings") == MANY
                raise ZeroDivisionError

        assert await number_of(storage, "show_chunks('readings')") == 0

        with pytest.raises(IntegrityError):
            async with storage.transaction():
                await storage.execute(INSERT, rows()[0])

                try:
                    await storage.execute_many(INSERT, rows(), bulk=bulk)
                finally:
                    with pytest.raises(TransactionError):
                        await number_of(storage, "readings")

        assert await stored(storage) == []


async def test_several_at_a_time_make_the_same_chunks(timescale: PostgresEndpoint, storage) -> None:
    """Each from the other end; where there is one connection they take turns."""
    for bulk in timescale.bulk:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                many = rows(2000, f"{bulk} {number}")[:: -1 if number % 2 else 1]
                group.create_task(storage.execute_many(INSERT, many, bulk=bulk))

        assert await number_of(storage, "readings") == 8000
        assert await number_of(storage, "show_chunks('readings')") == DAYS
        await storage.drop_chunks("readings", START + timedelta(days=DAYS + 1))


async def test_a_continuous_aggregate_hears_of_them(timescale: PostgresEndpoint, storage) -> None:
    """What was computed before is computed again."""
    await storage.create_continuous_aggregate(
        "daily",
        "SELECT time_bucket('1 day', at) AS day, count(*) AS n FROM readings GROUP BY 1",
        materialized_only=True,
    )
    refresh = "CALL refresh_continuous_aggregate('daily', NULL, NULL)"
    await storage.execute_many(INSERT, rows())
    await storage.execute(refresh)
    days = sum(1 for row in rows() if row[0].date() == START.date())

    for times, bulk in enumerate(timescale.bulk, 2):
        await storage.execute_many(INSERT, rows(device=bulk), bulk=bulk)
        await storage.execute(refresh)
        found = await storage.execute("SELECT n FROM daily ORDER BY day")
        assert (len(found), found[0]["n"]) == (DAYS, times * days), bulk
        assert sum(row["n"] for row in found) == times * MANY, bulk


async def test_a_table_may_become_a_hypertable(timescale: PostgresEndpoint, storage) -> None:
    """After its rows were copied; what DEFAULT calls sees each row from then on as before."""
    await storage.execute(
        "CREATE FUNCTION so_far() RETURNS bigint LANGUAGE plpgsql VOLATILE AS"
        " $$ BEGIN RETURN (SELECT count(*) FROM counted); END $$"
    )

    try:
        await storage.execute("CREATE TABLE counted (a int NOT NULL, n bigint DEFAULT so_far())")
        insert = "INSERT INTO counted (a) VALUES ($1)"
        await storage.execute_many(insert, ([number] for number in range(100)))
        await storage.create_hypertable("counted", "a", chunk_interval=10)
        await storage.execute_many(insert, ([number] for number in range(100, 200)))
        assert await number_of(storage, "counted WHERE n = a") == 200
    finally:
        await storage.execute("DROP FUNCTION so_far CASCADE")


async def test_more_than_a_few_arrive_too(timescale: PostgresEndpoint, storage) -> None:
    """From a generator, in order of their time and over more chunks than are kept open."""

    def readings() -> Iterator[list[Any]]:
        for number in range(40_000):
            yield [START + timedelta(minutes=5 * number), "one", 0.5]

    for bulk in timescale.bulk:
        await storage.execute_many(INSERT, readings(), bulk=bulk)
        assert await number_of(storage, "readings") == 40_000
        assert await number_of(storage, "show_chunks('readings')") == 139
        await empty(storage)
