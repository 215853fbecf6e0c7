"""The pipeline: observations are published, validated, stored in batches; the newest is cached."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from ...interfaces import (
    CachingInterface,
    Column,
    Message,
    MessagingInterface,
    StorageInterface,
    current_message,
)
from .observations import COLUMNS, MEASURES, to_row

__all__ = ["DEAD_LETTERS", "TABLE", "TOPIC", "Pipeline"]

TOPIC = "weather.observations"
DEAD_LETTERS = TOPIC + ".dlq"
TABLE = "weather"
_NEWEST_FOR = 3600
"""Seconds that the newest observation of an airport stays in the cache."""

_SCHEMA: Mapping[str, Any] = {
    "origin": Column("TEXT", primary_key=True),
    "time_hour": Column("TIMESTAMPTZ", primary_key=True),
    **dict.fromkeys(MEASURES, "DOUBLE PRECISION"),
}

# Delivery is at least once: a second delivery of an observation finds its row and changes nothing.
_INSERT = (
    f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) "  # noqa: S608 - constants of this file
    f"VALUES ({', '.join(f'${n}' for n in range(1, len(COLUMNS) + 1))}) "
    "ON CONFLICT (origin, time_hour) DO NOTHING"
)


class Pipeline:
    """Moves observations through the three interfaces and keeps account of each of them."""

    def __init__(
        self, cache: CachingInterface, messaging: MessagingInterface, storage: StorageInterface
    ) -> None:
        self._cache = cache
        self._messaging = messaging
        self._storage = storage
        self._done: asyncio.Event = asyncio.Event()
        self._all_sent: bool = False
        self._sent: dict[tuple[str, str], float] = {}
        self.published: int = 0
        self.stored: dict[tuple[str, str], float] = {}
        self.dead: dict[tuple[str, str], str] = {}

    async def prepare(self) -> None:
        """Make the table and subscribe."""
        await self._storage.create_table(TABLE, dict(_SCHEMA))
        await self._storage.create_hypertable(TABLE, "time_hour")
        await self._messaging.subscribe_batch(TOPIC, self._store)
        await self._messaging.subscribe(DEAD_LETTERS, self._count_dead)

    async def publish(self, observations: Iterable[dict[str, str]]) -> None:
        """Publish all observations, each airport's in order, and wait until each is accounted for."""
        by_airport: dict[str, list[dict[str, str]]] = defaultdict(list)

        for line in observations:
            by_airport[line["origin"]].append(line)

        async with asyncio.TaskGroup() as group:
            for lines in by_airport.values():
                group.create_task(self._publish_airport(lines))

        self._check_done(last=True)
        await self._done.wait()

    async def _publish_airport(self, lines: list[dict[str, str]]) -> None:
        source = iter(lines)

        while batch := list(islice(source, 200)):
            now = time.perf_counter()
            self._sent.update((_identity(line), now) for line in batch)
            await self._messaging.publish_many(
                TOPIC, [Message(line, key=line["origin"]) for line in batch]
            )
            self.published += len(batch)
            # The other airports and the handlers get their turn.
            await asyncio.sleep(0)

    async def _store(self, batch: list[dict[str, str]]) -> None:
        """Store a batch; returning acknowledges it, so it returns after the commit only.

        A bad observation raises ``ValidationError``: the engine then hands the batch over
        again and one by one, and moves what is bad, and nothing else, to the dead letters.
        """
        rows = [to_row(line) for line in batch]
        await self._storage.execute_many(_INSERT, rows)
        now = time.perf_counter()

        for line in batch:
            identity = _identity(line)
            self.stored.setdefault(identity, now - self._sent.get(identity, now))

        await self._keep_newest(rows)
        self._check_done()

    async def _keep_newest(self, rows: list[list[Any]]) -> None:
        newest = {
            row[0]: dict(zip(COLUMNS, row, strict=True)) for row in sorted(rows, key=_by_time)
        }

        for origin, observation in newest.items():
            known = await self._cache.get(f"{TABLE}:newest:{origin}")

            if known is None or known["time_hour"] < observation["time_hour"]:
                await self._cache.set(f"{TABLE}:newest:{origin}", observation, _NEWEST_FOR)

    async def _count_dead(self, line: dict[str, str]) -> None:
        self.dead.setdefault(_identity(line), _reason())
        self._check_done()

    def _check_done(self, *, last: bool = False) -> None:
        self._all_sent = self._all_sent or last

        if self._all_sent and len(self.stored) + len(self.dead) >= len(self._sent):
            self._done.set()

    async def monthly_means(self) -> list[dict[str, Any]]:
        """Ask the storage for the mean of each month and airport."""
        return await self._storage.execute(
            "SELECT origin, CAST(time_bucket('1 month', time_hour) AS TIMESTAMPTZ) AS month, "  # noqa: S608 - as above
            "avg(temp) AS temp, avg(wind_speed) AS wind_speed, count(*) AS observations "
            f"FROM {TABLE} GROUP BY origin, month ORDER BY month, origin"
        )

    async def count_stored(self) -> int:
        """Ask the storage how many observations it holds."""
        rows = await self._storage.execute(f"SELECT count(*) AS n FROM {TABLE}")  # noqa: S608 - as above
        return int(rows[0]["n"])

    async def newest(self) -> list[dict[str, Any]]:
        """Ask the cache for the newest observation of each airport."""
        keys = await self._cache.scan_keys(f"{TABLE}:newest:*")
        return list((await self._cache.get_many(sorted(keys))).values())


def _identity(line: Mapping[str, str]) -> tuple[str, str]:
    return line["origin"], line["time_hour"]


def _by_time(row: list[Any]) -> Any:
    return row[1]


def _reason() -> str:
    """Return why the message at hand was moved to the dead letters, by its headers."""
    headers = current_message().headers
    return next((str(text) for name, text in headers.items() if name.endswith("error-text")), "")
