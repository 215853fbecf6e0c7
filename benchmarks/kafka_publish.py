"""How fast does KafkaMessaging publish, when each publish waits for its own acknowledgement?

100 bytes and 1,000, by 1, 100 and 1,000 tasks, to a topic of four partitions, without keys, on
one Apache Kafka. All are idempotent and wait for all replicas in sync. Ours checks, encodes and
names the encoding in a header; the others send the bytes as they are.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ._kafka import topic
from ._kafka_publishers import PUBLISHERS, Publisher
from ._question import Contender, Question, Work
from ._tasks import shared_among

__all__ = ["QUESTIONS"]

_BEST = ("aiokafka", "aiokafka, 1 MiB", "AIOProducer, tuned")
_FASTSTREAM = ("FastStream", "FastStream, confluent")
_OPERATIONS = {1: 400, 100: 6_000, 1000: 12_000}
_SLOW = {"FastStream, confluent": 4, "FastStream": 2}
"""They do one operation where the others do so many."""


def _contender(name: str, publisher: Publisher, tasks: int, size: int) -> Contender:
    payload = bytes(size)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with topic() as (bootstrap, where), publisher(bootstrap, where, tasks) as publish:

            async def run(operations: int) -> None:
                await shared_among(tasks, [payload] * operations, publish)

            await run(tasks)
            yield Work(run=run)

    operations = _OPERATIONS[tasks] // _SLOW.get(name, 1)
    return Contender(name=name, open=opened, operations=operations)


def _question(tasks: int, size: int) -> Question:
    targets = dict.fromkeys(_BEST, 1.3)

    if tasks > 1:
        targets |= dict.fromkeys(_FASTSTREAM, 3.0)

    return Question(
        name=f"kafka-publish-{tasks}-{size}B",
        asks=f"KafkaMessaging.publish of {size} bytes, {tasks} task{'s' if tasks > 1 else ''}",
        contenders=tuple(
            _contender(name, publisher, tasks, size) for name, publisher in PUBLISHERS.items()
        ),
        operations=_OPERATIONS[tasks],
        targets=targets,
    )


def _patient(name: str, publisher: Publisher) -> Contender:
    payload = bytes(100)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with topic() as (bootstrap, where), publisher(bootstrap, where, 1) as publish:

            async def run(operations: int) -> float:
                took: list[float] = []

                for _ in range(operations):
                    began = time.perf_counter()
                    await publish(payload)
                    took.append(time.perf_counter() - began)

                return statistics.median(took)

            await run(20)
            yield Work(run=run)

    return Contender(name=name, open=opened)


_LATENCY = Question(
    name="kafka-publish-p50",
    asks="latency of KafkaMessaging.publish that half of the calls keep, one at a time",
    contenders=tuple(_patient(name, PUBLISHERS[name]) for name in ("ours", *_BEST)),
    operations=300,
    targets={"aiokafka": 1.0},
    latency=True,
)

QUESTIONS = (
    *(_question(tasks, size) for size in (100, 1000) for tasks in (1, 100, 1000)),
    _LATENCY,
)
