"""The Apache Kafka of the benchmarks: one broker while somebody has it open, a topic for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

__all__ = ["PARTITIONS", "broker", "topic"]

PARTITIONS = 4
"""Of each topic."""


class _Shared:
    """The broker, and how many have it."""

    def __init__(self) -> None:
        self._users = 0
        self._stack = AsyncExitStack()
        self._broker: Any = None

    async def take(self) -> Any:
        """Return it, started where nobody had it."""
        if not self._users:
            # Here, because the tests of the benchmarks import them without the root of the repository.
            from tests.servers.kafka_server import KafkaServer

            self._broker = await self._stack.enter_async_context(KafkaServer())
            await self._broker.open_groups()

        self._users += 1
        return self._broker

    async def give_back(self) -> None:
        """Stop it when the last one has done with it."""
        self._users -= 1

        if not self._users:
            await self._stack.aclose()


_SHARED = _Shared()


@asynccontextmanager
async def broker() -> AsyncIterator[Any]:
    """Give the broker."""
    running = await _SHARED.take()

    try:
        yield running
    finally:
        await _SHARED.give_back()


@asynccontextmanager
async def topic() -> AsyncIterator[tuple[str, str]]:
    """Give the address of the broker and a topic of one's own."""
    async with broker() as running, running.topic(PARTITIONS) as name:
        yield running.bootstrap, name
