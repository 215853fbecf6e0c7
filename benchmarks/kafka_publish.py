"""How fast does KafkaMessaging publish, when each publish waits for its own acknowledgement?

100 bytes and 1,000, by 1, 100 and 1,000 tasks, to a topic of four partitions, without keys, on
one Apache Kafka. All are idempotent and wait for all replicas in sync. Ours checks, encodes and
names the encoding in a header; the others send the bytes as they are. The same on a Tansu, whose
requests are dear; there none is idempotent, since aiokafka cannot be.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ._kafka import KAFKA, TANSU, Shared
from ._kafka_publishers import PUBLISHERS, Publisher
from ._question import Contender, Question, Work
from ._tasks import shared_among

__all__ = ["QUESTIONS"]

_BEST = ("aiokafka", "aiokafka, 1 MiB", "AIOProducer, tuned")
_FASTSTREAM = ("FastStream", "FastStream, confluent")
_OPERATIONS = {1: 400, 100: 12_000, 1000: 24_000}
_KEYS = 1000
_SLOW = {"FastStream, confluent": 4, "FastStream": 2}
"""They do one operation where the others do so many."""


def _contender(
    name: str, publisher: Publisher, server: Shared, tasks: int, size: int, *, keyed: bool
) -> Contender:
    payload = bytes(size)
    keys = [f"k{number}" if keyed else None for number in range(_KEYS)]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with (
            server.topic() as (bootstrap, where),
            publisher(bootstrap, where, tasks, server is KAFKA) as publish,
        ):

            async def run(operations: int) -> None:
                await shared_among(
                    tasks,
                    [keys[number % _KEYS] for number in range(operations)],
                    lambda key: publish(payload, key),
                )

            await run(tasks)
            yield Work(run=run)

    operations = _OPERATIONS[tasks] // _SLOW.get(name, 1)
    return Contender(name=name, open=opened, operations=operations)


def _question(kind: str, server: Shared, tasks: int, size: int, *, keyed: bool = False) -> Question:
    targets = dict.fromkeys(_BEST, 1.3)

    if tasks > 1:
        targets |= dict.fromkeys(_FASTSTREAM, 3.0)

    return Question(
        name=f"{kind}-publish-{'keys-' if keyed else ''}{tasks}-{size}B",
        asks=f"KafkaMessaging.publish of {size} bytes {'with keys ' if keyed else ''}on "
        f"{kind.capitalize()}, {tasks} task{'s' if tasks > 1 else ''}",
        contenders=tuple(
            _contender(name, publisher, server, tasks, size, keyed=keyed)
            for name, publisher in PUBLISHERS.items()
        ),
        operations=_OPERATIONS[tasks],
        turn=tasks,
        # A request of librdkafka is of one partition: with keys nothing was promised.
        targets={} if keyed else targets,
    )


def _patient(name: str, publisher: Publisher) -> Contender:
    payload = bytes(100)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with (
            KAFKA.topic() as (bootstrap, where),
            publisher(bootstrap, where, 1, True) as publish,
        ):

            async def run(operations: int) -> float:
                took: list[float] = []

                for _ in range(operations):
                    began = time.perf_counter()
                    await publish(payload, None)
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
    *(
        _question(kind, server, tasks, size)
        for kind, server in (("kafka", KAFKA), ("tansu", TANSU))
        for size in (100, 1000)
        for tasks in (1, 100, 1000)
    ),
    *(_question("kafka", KAFKA, tasks, 100, keyed=True) for tasks in (100, 1000)),
    _LATENCY,
)
