"""Who is put to the test: each as it comes, and as it is asked to be safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging

__all__ = ["CLIENTS", "Client", "Handle", "Publish"]

_SESSION = 6.0
_SAFE: Mapping[str, Any] = {"acks": "all", "enable_idempotence": True}

Handle = Callable[[bytes], Awaitable[None]]

Publish = Callable[[bytes, bytes], Awaitable[object]]
"""Publishes a key and a payload; returns when they are acknowledged."""


@dataclass(frozen=True)
class Client:
    """What is asked of them.

    ``consume``  takes a broker, a topic, a group, a handler and the seconds of a poll interval;
                 gives a future that is done when it has given up.
    ``publish``  takes a broker and a topic.
    """

    consume: Callable[
        [str, str, str, Handle, float], AbstractAsyncContextManager[asyncio.Future[None]]
    ]
    publish: Callable[[str, str], AbstractAsyncContextManager[Publish]]


@asynccontextmanager
async def _our_member(
    bootstrap: str, topic: str, group: str, handle: Handle, poll: float
) -> AsyncIterator[asyncio.Future[None]]:
    async with KafkaMessaging(
        f"kafka://{bootstrap}",
        group_id=group,
        codec="raw",
        session_timeout=_SESSION,
        librdkafka={"max.poll.interval.ms": int(poll * 1000)},
    ) as messaging:
        await messaging.subscribe(topic, handle)
        yield asyncio.Future()


@asynccontextmanager
async def _our_publisher(bootstrap: str, topic: str) -> AsyncIterator[Publish]:
    async with KafkaMessaging(f"kafka://{bootstrap}", codec="raw") as messaging:
        yield lambda key, payload: messaging.publish(topic, Message(payload, key=key.decode()))


def _intervals(poll: float) -> dict[str, int]:
    return {"session_timeout_ms": int(_SESSION * 1000), "max_poll_interval_ms": int(poll * 1000)}


def _aiokafka(*, auto: bool, **options: Any) -> Client:
    @asynccontextmanager
    async def consume(
        bootstrap: str, topic: str, group: str, handle: Handle, poll: float
    ) -> AsyncIterator[asyncio.Future[None]]:
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=auto,
            **_intervals(poll),
        ) as consumer:

            async def loop() -> None:
                while True:
                    for messages in (await consumer.getmany(timeout_ms=100)).values():
                        for message in messages:
                            await handle(message.value)

                        if not auto:
                            await consumer.commit()

            task = asyncio.create_task(loop())

            try:
                yield task
            finally:
                task.cancel()
                await asyncio.wait({task})

    @asynccontextmanager
    async def publish(bootstrap: str, topic: str) -> AsyncIterator[Publish]:
        async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
            yield lambda key, payload: producer.send_and_wait(topic, payload, key=key)

    return Client(consume, publish)


def _faststream(acknowledging: Mapping[str, Any], **options: Any) -> Client:
    @asynccontextmanager
    async def consume(
        bootstrap: str, topic: str, group: str, handle: Handle, poll: float
    ) -> AsyncIterator[asyncio.Future[None]]:
        broker = KafkaBroker(bootstrap, logger=None)

        @broker.subscriber(
            topic,
            group_id=group,
            auto_offset_reset="earliest",
            **_intervals(poll),
            **acknowledging,
        )
        async def handler(message: KafkaMessage) -> None:
            await handle(message.body)

        async with broker:
            await broker.start()
            yield asyncio.Future()

    @asynccontextmanager
    async def publish(bootstrap: str, topic: str) -> AsyncIterator[Publish]:
        async with KafkaBroker(bootstrap, logger=None, **options) as broker:
            yield lambda key, payload: broker.publish(payload, topic, key=key)

    return Client(consume, publish)


CLIENTS: Mapping[str, Client] = {
    "KafkaMessaging": Client(_our_member, _our_publisher),
    "aiokafka": _aiokafka(auto=True),
    "aiokafka, safe": _aiokafka(auto=False, **_SAFE),
    "FastStream": _faststream({}),
    "FastStream, safe": _faststream({"ack_policy": AckPolicy.NACK_ON_ERROR}, **_SAFE),
}
