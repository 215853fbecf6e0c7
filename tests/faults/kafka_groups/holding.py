"""A process with a slow handler and more messages than it could hold: prints its memory as JSON.

usage: holding.py URL TOPIC GROUP
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from infrastructure.messaging.kafka import KafkaMessaging

SECONDS = 5.0


def resident() -> int:
    """Return how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def main(url: str, topic: str, group: str) -> None:
    handled = 0

    async def handle(_payload: Any) -> None:
        nonlocal handled
        await asyncio.sleep(0.05)
        handled += 1

    async with KafkaMessaging(url, group_id=group, session_timeout=6) as messaging:
        idle = peak = resident()
        await messaging.subscribe(topic, handle)
        loop = asyncio.get_running_loop()
        end = loop.time() + SECONDS

        while loop.time() < end:
            await asyncio.sleep(0.05)
            peak = max(peak, resident())

    print(json.dumps({"idle": idle, "peak": peak, "handled": handled}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
