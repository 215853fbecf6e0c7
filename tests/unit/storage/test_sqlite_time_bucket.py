"""``time_bucket`` on SQLite begins its buckets where TimescaleDB begins them."""

from __future__ import annotations

from infrastructure.storage.sqlite import SQLiteStorage

from .golden import assert_golden


async def test_the_buckets_are_those_of_timescaledb() -> None:
    """Of every type of time, before and after the origins, with an origin and without."""
    async with SQLiteStorage() as storage:
        await assert_golden(storage)
