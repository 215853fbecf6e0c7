"""A year of weather at three airports through messaging, storage and cache: the demo, to be read.

Run it: python examples/weather_pipeline.py [CACHE_URL MESSAGING_URL STORAGE_URL]

On servers, as often as one likes: redis://localhost:6379
'kafka://localhost:9092?group_id=weather&create_topics=true'
'postgresql://postgres:secret@localhost/postgres?hypertables=index' (without TimescaleDB)
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from infrastructure import (
    CachingInterface,
    Column,
    Message,
    StorageInterface,
    ValidationError,
    open_cache,
    open_messaging,
    open_storage,
)

DATA = Path(__file__).parent / "data" / "nyc_weather_2013.csv.gz"
TOPIC = "weather.example"
SCHEMA = {
    "origin": Column("TEXT", primary_key=True),
    "time_hour": Column("TIMESTAMPTZ", primary_key=True),
    "temp": "DOUBLE PRECISION",
    "wind_speed": "DOUBLE PRECISION",
}
INSERT = (
    "INSERT INTO weather (origin, time_hour, temp, wind_speed) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (origin, time_hour) DO NOTHING"
)
MEANS = """
    SELECT origin, CAST(time_bucket('1 month', time_hour) AS TIMESTAMPTZ) AS month,
           avg(temp) AS temp, count(*) AS observations
    FROM weather GROUP BY origin, month ORDER BY month, origin
"""


def to_row(line: dict[str, str]) -> list[Any]:
    """Validate an observation: NA is a missing reading; 1,048 miles an hour are no wind."""
    temp, wind = (
        None if line[name] == "NA" else float(line[name]) for name in ("temp", "wind_speed")
    )

    if wind is not None and not 0 <= wind <= 250:
        msg = f"{line['origin']} at {line['time_hour']}: a wind of {wind:g} miles an hour"
        raise ValidationError(msg)

    return [line["origin"], datetime.fromisoformat(line["time_hour"]), temp, wind]


class Weather:
    """Handles the observations, and keeps account of each of them."""

    def __init__(self, cache: CachingInterface, storage: StorageInterface, expected: int) -> None:
        self.cache, self.storage, self.expected = cache, storage, expected
        self.done: set[tuple[str, str]] = set()
        self.dead: set[tuple[str, str]] = set()
        self.complete = asyncio.Event()

    async def store(self, batch: list[dict[str, str]]) -> None:
        """Return: the batch is acknowledged. So it returns after the commit, not before.

        A ValidationError makes the engine hand over the batch again, then one by one, and
        move the bad observation alone to the dead letters.
        """
        rows = [to_row(line) for line in batch]
        await self.storage.execute_many(INSERT, rows)

        for origin, time_hour, temp, _ in rows:
            await self.cache.set(f"newest:{origin}", (time_hour, temp), ttl=3600)

        self.account(batch)

    async def bury(self, line: dict[str, str]) -> None:
        """Count a dead letter, once: it may come again, as every message may."""
        self.dead.add((line["origin"], line["time_hour"]))
        self.account([line])

    def account(self, lines: list[dict[str, str]]) -> None:
        """Note what is done."""
        self.done.update((line["origin"], line["time_hour"]) for line in lines)

        if len(self.done) == self.expected:
            self.complete.set()


async def main(cache_url: str, messaging_url: str, storage_url: str) -> bool:
    """Run the pipeline; return whether every observation is accounted for."""
    with gzip.open(DATA, "rt") as lines:
        observations = list(csv.DictReader(lines))

    async with (
        open_cache(cache_url) as cache,
        open_storage(storage_url) as storage,
        open_messaging(messaging_url) as messaging,
    ):
        # 1. A table whose key contains the time column, and a hypertable made of it.
        await storage.create_table("weather", SCHEMA)
        await storage.create_hypertable("weather", "time_hour")

        # 2. The handlers.
        weather = Weather(cache, storage, len(observations))
        await messaging.subscribe_batch(TOPIC, weather.store)
        await messaging.subscribe(f"{TOPIC}.dlq", weather.bury)

        # 3. Everything is published, the airport as key: each airport's observations in order.
        await messaging.publish_many(
            TOPIC, [Message(line, key=line["origin"]) for line in observations]
        )
        await weather.complete.wait()
        await show(cache, storage)

        # 4. What was published is stored, or a dead letter.
        stored = (await storage.execute("SELECT count(*) AS n FROM weather"))[0]["n"]
        dead = len(weather.dead)
        print(f"published {len(observations)} = stored {stored} + dead-lettered {dead}")
        return bool(len(observations) == stored + dead)


async def show(cache: CachingInterface, storage: StorageInterface) -> None:
    """Print the monthly means from the storage, and the newest observations from the cache."""
    for row in await storage.execute(MEANS):
        print(
            f"{row['month']:%Y-%m}  {row['origin']}  {row['temp']:5.1f} °F  {row['observations']}"
        )

    for key in sorted(await cache.scan_keys("newest:*")):
        time_hour, temp = await cache.get(key)
        print(f"{key}  {time_hour:%Y-%m-%d %H:%M} UTC  {temp} °F")


if __name__ == "__main__":
    urls = sys.argv[1:] or ["memory://", "memory://", "sqlite://"]
    sys.exit(0 if asyncio.run(main(*urls)) else 1)
