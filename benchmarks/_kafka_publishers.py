"""Who publishes to Kafka: ours, and what people use today, each idempotent, with all acks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure.messaging.kafka import KafkaMessaging

from ._question import OURS

__all__ = ["PUBLISHERS", "Publish", "Publisher"]

Publish = Callable[[bytes], Awaitable[object]]
"""Publishes a payload; returns when it is acknowledged."""

Publisher = Callable[[str, str, int], AbstractAsyncContextManager[Publish]]
"""Opens one for a broker, a topic and as many publishes at a time."""

_MIB = 2**20


@asynccontextmanager
async def _ours(bootstrap: str, topic: str, _at_once: int) -> AsyncIterator[Publish]:
    async with KafkaMessaging(f"kafka://{bootstrap}", codec="raw", deadline=60.0) as messaging:
        yield lambda payload: messaging.publish(topic, payload)


@asynccontextmanager
async def _aiokafka(bootstrap: str, topic: str, **options: Any) -> AsyncIterator[Publish]:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, **options
    ) as producer:
        yield lambda payload: producer.send_and_wait(topic, payload)


def _usual(bootstrap: str, topic: str, _at_once: int) -> AbstractAsyncContextManager[Publish]:
    return _aiokafka(bootstrap, topic)


def _large(bootstrap: str, topic: str, _at_once: int) -> AbstractAsyncContextManager[Publish]:
    return _aiokafka(bootstrap, topic, max_batch_size=_MIB, max_request_size=_MIB)


@asynccontextmanager
async def _confluent(bootstrap: str, topic: str, at_once: int) -> AsyncIterator[Publish]:
    """Tuned: a batch leaves when all tasks have published, and reports are polled for at once."""
    from confluent_kafka.aio import AIOProducer

    producer = AIOProducer(
        {"bootstrap.servers": bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 0},
        batch_size=at_once,
    )

    async def poll() -> None:
        while True:
            await producer.poll(0.001)

    async def publish(payload: bytes) -> None:
        await (await producer.produce(topic, value=payload))

    polling = asyncio.create_task(poll())

    try:
        yield publish
    finally:
        polling.cancel()
        await producer.close()


@asynccontextmanager
async def _faststream(bootstrap: str, topic: str, _at_once: int) -> AsyncIterator[Publish]:
    from faststream.kafka import KafkaBroker

    async with KafkaBroker(bootstrap, acks="all", enable_idempotence=True, logger=None) as broker:
        yield lambda payload: broker.publish(payload, topic)


@asynccontextmanager
async def _faststream_confluent(
    bootstrap: str, topic: str, _at_once: int
) -> AsyncIterator[Publish]:
    from faststream.confluent import KafkaBroker

    async with KafkaBroker(bootstrap, acks="all", enable_idempotence=True, logger=None) as broker:
        yield lambda payload: broker.publish(payload, topic)


PUBLISHERS: Mapping[str, Publisher] = {
    OURS: _ours,
    "aiokafka": _usual,
    "aiokafka, 1 MiB": _large,
    "AIOProducer, tuned": _confluent,
    "FastStream": _faststream,
    "FastStream, confluent": _faststream_confluent,
}
