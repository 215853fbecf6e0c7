"""What is held of a backlog while handlers are slow."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ...faults._inbox import Inbox
from ...servers.kafka_endpoint import KafkaEndpoint
from .kafka_bench import connected

pytestmark = pytest.mark.slow


def fill(kafka: KafkaEndpoint, topic: str, count: int) -> None:
    """Put so many messages into a topic."""
    producer = kafka.producer()

    for number in range(count):
        producer.produce(topic, bytes(500), key=str(number))

        if not number % 5000:
            producer.poll(0)

    producer.flush()


def held(messaging: Any) -> int:
    """Return how many messages wait for room in their windows."""
    return sum(len(each.held) for each in messaging._member._reader._assigned.values())


async def test_many_partitions_hold_no_more_than_few(kafka: KafkaEndpoint) -> None:
    """Of each a backlog waits, and a handler that does not return."""
    inbox = Inbox(held=True)

    async with (
        kafka.topic(64) as topic,
        connected(kafka, codec="raw", dead_letters=False, drain_timeout=0.1) as messaging,
    ):
        fill(kafka, topic, 40_000)
        await messaging.subscribe(topic, inbox)
        reader = messaging._member._reader  # type: ignore[union-attr]
        assert reader is not None
        most = 0

        async with asyncio.timeout(20):
            while not all(each.is_paused for each in reader._assigned.values()):
                most = max(most, held(messaging))
                await asyncio.sleep(0.001)

        # As many as four of them may hold, and of each what came in its last looks.
        assert most <= 4 * 1000 + 64 * 2 * 50
