"""What the harness of Kafka made is removed, whenever its check ends."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from infrastructure.conformance.harnesses.kafka import KafkaHarness

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until


@pytest.mark.slow
async def test_a_topic_that_is_being_made_is_removed(
    kafka: KafkaEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its subscription is cancelled between the question to the brokers and their answer."""
    begun, made = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(AdminClient):
        def create_topics(self, new_topics: Any, **options: Any) -> Any:
            loop.call_soon_threadsafe(begun.set)
            time.sleep(0.3)
            futures = super().create_topics(new_topics, **options)
            futures["being_made"].result()
            loop.call_soon_threadsafe(made.set)
            return futures

    monkeypatch.setattr("infrastructure.messaging.kafka._topics.AdminClient", Slow)
    before = kafka.topics()
    harness = KafkaHarness(kafka.url)

    async with harness.make() as messaging:
        subscribed = asyncio.ensure_future(messaging.subscribe("being_made", nothing))
        await begun.wait()
        subscribed.cancel()
        await asyncio.wait([subscribed])

    await harness.close()
    await made.wait()
    # A broker hears of it a moment after its controller.
    await until(lambda: kafka.topics() <= before)


async def nothing(message: Any) -> None:
    """Handle a message."""
