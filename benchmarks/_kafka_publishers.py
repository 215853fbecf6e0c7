"""Who publishes to Kafka: ours, and what people use today, with all acks, all of them idempotent or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging

from ._question import OURS

__all__ = ["PUBLISHERS", "Publish", "Publisher"]

Publish = Callable[[bytes, str | None], Awaitable[object]]
"""Publishes a payload with a key or without; returns when it is acknowledged."""

Publisher = Callable[[str, str, int, bool], AbstractAsyncContextManager[Publish]]
"""Opens one for a broker, a topic and as many publishes at a time, idempotent or not."""

_MIB = 2**20


@asynccontextmanager
async def _ours(
    bootstrap: str, topic: str, _at_once: int, idempotent: bool
) -> AsyncIterator[Publish]:
    own = None if idempotent else {"enable.idempotence": False}

    async with KafkaMessaging(
        f"kafka://{bootstrap}", codec="raw", deadline=60.0, librdkafka=own
    ) as messaging:

        def publish(payload: bytes, key: str | None) -> Awaitable[None]:
            return messaging.publish(topic, payload if key is None else Message(payload, key=key))

        yield publish


@asynccontextmanager
async def _aiokafka(
    bootstrap: str, topic: str, idempotent: bool, **options: Any
) -> AsyncIterator[Publish]:
    from aiokafka import AIOKafkaProducer

    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=idempotent, **options
    ) as producer:
        yield lambda payload, key: producer.send_and_wait(topic, payload, key=_encoded(key))


def _encoded(key: str | None) -> bytes | None:
    return None if key is None else key.encode()


def _usual(
    bootstrap: str, topic: str, _at_once: int, idempotent: bool
) -> AbstractAsyncContextManager[Publish]:
    return _aiokafka(bootstrap, topic, idempotent)


def _large(
    bootstrap: str, topic: str, _at_once: int, idempotent: bool
) -> AbstractAsyncContextManager[Publish]:
    return _aiokafka(bootstrap, topic, idempotent, max_batch_size=_MIB, max_request_size=_MIB)


@asynccontextmanager
async def _confluent(
    bootstrap: str, topic: str, at_once: int, idempotent: bool
) -> AsyncIterator[Publish]:
    """Tuned: a batch leaves when all tasks have published, and reports are polled for at once."""
    from confluent_kafka.aio import AIOProducer

    producer = AIOProducer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": idempotent,
            "linger.ms": 0,
        },
        batch_size=at_once,
    )

    async def poll() -> None:
        while True:
            await producer.poll(0.001)

    async def publish(payload: bytes, key: str | None) -> None:
        await (await producer.produce(topic, value=payload, key=key))

    polling = asyncio.create_task(poll())

    try:
        yield publish
    finally:
        polling.cancel()
        await producer.close()


@asynccontextmanager
async def _faststream(
    bootstrap: str, topic: str, _at_once: int, idempotent: bool
) -> AsyncIterator[Publish]:
    from faststream.kafka import KafkaBroker

    async with KafkaBroker(
        bootstrap, acks="all", enable_idempotence=idempotent, logger=None
    ) as broker:
        yield lambda payload, key: broker.publish(payload, topic, key=_encoded(key))


@asynccontextmanager
async def _faststream_confluent(
    bootstrap: str, topic: str, _at_once: int, idempotent: bool
) -> AsyncIterator[Publish]:
    from faststream.confluent import KafkaBroker

    async with KafkaBroker(
        bootstrap, acks="all", enable_idempotence=idempotent, logger=None
    ) as broker:
        yield lambda payload, key: broker.publish(payload, topic, key=_encoded(key))


PUBLISHERS: Mapping[str, Publisher] = {
    OURS: _ours,
    "aiokafka": _usual,
    "aiokafka, 1 MiB": _large,
    "AIOProducer, tuned": _confluent,
    "FastStream": _faststream,
    "FastStream, confluent": _faststream_confluent,
}
