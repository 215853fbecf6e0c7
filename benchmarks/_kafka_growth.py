"""How much a process grows that has a backlog in Kafka and a handler which is slower than the broker."""

from __future__ import annotations

import asyncio
import gc
import secrets
import sys
import time
from pathlib import Path

from infrastructure.messaging.kafka import KafkaMessaging

from ._peak import run_alone

__all__ = ["growth"]

_SLOW = 0.05
"""Seconds that each message takes."""

_WATCHED = 8.0
"""Seconds for which it is looked at: windows fill, are paused, and go on many times."""

_ALL = Path("/proc/self/smaps_rollup")


async def growth(bootstrap: str, topic: str) -> float:
    """Return the mebibytes of the peak above what it had while it was connected and read nothing."""
    return await run_alone("benchmarks._kafka_growth", bootstrap, topic)


def _resident() -> float:
    told = next(line for line in _ALL.read_text().splitlines() if line.startswith("Rss:"))
    return int(told.split()[1]) / 1024


async def _measure(bootstrap: str, topic: str) -> float:
    group = f"bench-{secrets.token_hex(6)}"
    begun = asyncio.Event()

    async def handle(_payload: object) -> None:
        begun.set()
        await asyncio.sleep(_SLOW)

    async with KafkaMessaging(
        f"kafka://{bootstrap}", group_id=group, codec="raw", drain_timeout=1.0
    ) as messaging:
        gc.collect()
        idle = most = _resident()
        await messaging.subscribe(topic, handle)
        await begun.wait()
        end = time.monotonic() + _WATCHED

        while time.monotonic() < end:
            most = max(most, _resident())
            await asyncio.sleep(0.01)

    return most - idle


if __name__ == "__main__":
    print(asyncio.run(_measure(*sys.argv[1:])))
