"""The brokers of the benchmarks: one of a kind while somebody has it open, a topic for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from confluent_kafka import Producer

__all__ = ["KAFKA", "PARTITIONS", "TANSU", "Shared", "fill"]

PARTITIONS = 4
"""Of each topic."""


class Shared:
    """A broker, and how many have it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._users = 0
        self._stack = AsyncExitStack()
        self._broker: Any = None

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[Any]:
        """Give it; it is started for the first one, and stopped when the last one has done with it."""
        if not self._users:
            self._broker = await self._stack.enter_async_context(self._make())
            await self._broker.open_groups()

        self._users += 1

        try:
            yield self._broker
        finally:
            self._users -= 1

            if not self._users:
                await self._stack.aclose()

    @asynccontextmanager
    async def topic(self, partitions: int = PARTITIONS) -> AsyncIterator[tuple[str, str]]:
        """Give its address and a topic of one's own."""
        async with self.broker() as running, running.topic(partitions) as name:
            yield running.bootstrap, name


# Their modules are imported there: the tests of the benchmarks import these without the root of the
# repository.


def _kafka() -> Any:
    from tests.servers.kafka_server import KafkaServer

    return KafkaServer()


def _tansu() -> Any:
    from tests.servers.tansu import Tansu

    return Tansu()


KAFKA, TANSU = Shared(_kafka), Shared(_tansu)


def fill(bootstrap: str, topic: str, count: int, size: int) -> None:
    """Put so many messages into a topic, of a thousand keys."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 20})

    for number in range(count):
        producer.produce(topic, bytes(size), key=str(number % 1000))

        if not number % 10_000:
            producer.poll(0)

    producer.flush()
