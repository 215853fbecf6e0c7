"""How fast does KafkaMessaging hand over what waits, at least once, with all its promises?

Messages wait in a topic of four partitions; the clock runs from the first that is handled to the last.
Each is handed to a handler that counts it. Ours keeps order by key, retries, dead letters, windows
and commits. The bare loop commits each batch when all of it was handled. FastStream commits by
itself, perhaps before a handler is called; with ``AckPolicy.ACK`` it commits each message.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ._kafka import KAFKA, fill
from ._kafka_consumers import CONSUMERS, Consumer
from ._question import Contender, Question, Work

__all__ = ["QUESTIONS"]

_OPERATIONS = 40_000
_SLOW = {"FastStream": 8, "FastStream, ACK": 40}
"""They do one operation where the others do so many."""


async def _seconds(consumer: Consumer, bootstrap: str, topic: str, group: str, count: int) -> float:
    """Return how long the messages took from the first to the last."""
    left, began = count, 0.0
    done = asyncio.Event()

    async def handle(_message: object) -> None:
        nonlocal left, began

        if left == count:
            began = time.perf_counter()

        left -= 1

        if not left:
            done.set()

    async with consumer(bootstrap, topic, group, handle):
        await done.wait()
        return time.perf_counter() - began


def _contender(name: str, consumer: Consumer, size: int) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with KAFKA.topic() as (bootstrap, where):
            group = f"bench-{secrets.token_hex(6)}"

            async def run(operations: int) -> float:
                # Beside the loop, whose stalls are measured.
                await asyncio.to_thread(fill, bootstrap, where, operations, size)
                took = await _seconds(consumer, bootstrap, where, group, operations)
                return took / operations

            await run(1000)
            yield Work(run=run)

    return Contender(name=name, open=opened, operations=_OPERATIONS // _SLOW.get(name, 1))


def _question(size: int) -> Question:
    return Question(
        name=f"kafka-consume-{size}B",
        asks=f"seconds that KafkaMessaging takes for a message of {size} bytes that waits",
        contenders=tuple(_contender(name, consumer, size) for name, consumer in CONSUMERS.items()),
        operations=_OPERATIONS,
        turn=_OPERATIONS,
        targets={"aiokafka, getmany": 0.4, "FastStream": 3.0, "FastStream, ACK": 50.0},
        latency=True,
    )


QUESTIONS = (_question(100), _question(1000))
