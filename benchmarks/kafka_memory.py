"""How much does a process grow while a slow handler faces 100,000 messages that wait in Kafka?

Above what it had while it was connected and read nothing: what librdkafka has fetched, what the
windows hold and what waits for room in them. No peer: 64 MiB are what it may take.
"""

from __future__ import annotations

import asyncio
from functools import partial

from ._kafka import KAFKA, PARTITIONS, fill
from ._kafka_growth import growth
from ._question import Fact

__all__ = ["FACTS"]

_WAITING = 100_000
_ALLOWED = 64.0


async def _growth(size: int, partitions: int) -> float:
    async with KAFKA.topic(partitions) as (bootstrap, name):
        fill(bootstrap, name, _WAITING, size)
        return await growth(bootstrap, name)


def _measured(size: int, partitions: int) -> tuple[float, float]:
    return asyncio.run(_growth(size, partitions)), _ALLOWED


def _fact(size: int, partitions: int = PARTITIONS) -> Fact:
    many = "" if partitions == PARTITIONS else f"-{partitions}-partitions"
    return Fact(
        name=f"kafka-memory-{size}B{many}",
        asks=f"growth of a process whose slow handler faces {_WAITING:,} messages of {size} bytes "
        f"in {partitions} partitions",
        peer=f"{_ALLOWED:g} MiB",
        unit="MiB",
        measure=partial(_measured, size, partitions),
        most=1.0,
    )


FACTS = (_fact(100), _fact(1000), _fact(1000, 64))
