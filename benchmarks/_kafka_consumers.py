"""Who consumes from Kafka: ours, a bare loop, and FastStream as it comes and as it is asked to be safe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from infrastructure.messaging.kafka import KafkaMessaging

from ._question import OURS

__all__ = ["CONSUMERS", "Consumer"]

Handle = Callable[[Any], Awaitable[None]]

Consumer = Callable[[str, str, str, Handle], AbstractAsyncContextManager[None]]
"""Consumes, for a broker, a topic, a group and a handler, while it is open."""


@asynccontextmanager
async def _ours(bootstrap: str, topic: str, group: str, handle: Handle) -> AsyncIterator[None]:
    async with KafkaMessaging(
        f"kafka://{bootstrap}", group_id=group, codec="raw", dead_letters=False
    ) as messaging:
        await messaging.subscribe(topic, handle)
        yield


@asynccontextmanager
async def _with_dead_letters(
    bootstrap: str, topic: str, group: str, handle: Handle
) -> AsyncIterator[None]:
    async with KafkaMessaging(f"kafka://{bootstrap}", group_id=group, codec="raw") as messaging:
        await messaging.subscribe(topic, handle)
        yield


@asynccontextmanager
async def _bare(bootstrap: str, topic: str, group: str, handle: Handle) -> AsyncIterator[None]:
    """At least once: what a batch has is committed when all of it was handled."""
    from aiokafka import AIOKafkaConsumer

    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:

        async def loop() -> None:
            while True:
                for messages in (await consumer.getmany(timeout_ms=100, max_records=500)).values():
                    for message in messages:
                        await handle(message.value)

                    await consumer.commit()

        task = asyncio.create_task(loop())

        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


def _faststream(**options: Any) -> Consumer:
    @asynccontextmanager
    async def opened(bootstrap: str, topic: str, group: str, handle: Handle) -> AsyncIterator[None]:
        from faststream.kafka import KafkaBroker

        broker = KafkaBroker(bootstrap, logger=None)

        @broker.subscriber(topic, group_id=group, auto_offset_reset="earliest", **options)
        async def handler(message: bytes) -> None:
            await handle(message)

        async with broker:
            await broker.start()
            yield

    return opened


def _acknowledging() -> Consumer:
    @asynccontextmanager
    async def opened(bootstrap: str, topic: str, group: str, handle: Handle) -> AsyncIterator[None]:
        from faststream import AckPolicy

        async with _faststream(ack_policy=AckPolicy.ACK)(bootstrap, topic, group, handle):
            yield

    return opened


CONSUMERS: Mapping[str, Consumer] = {
    OURS: _with_dead_letters,
    "ours, without dead letters": _ours,
    "aiokafka, getmany": _bare,
    "FastStream": _faststream(),
    "FastStream, ACK": _acknowledging(),
}
