"""F32: many messages, one in a hundred with a fault: nothing grows."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from infrastructure import InfrastructureError
from infrastructure.conformance._breaking import descriptors
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST, free_port
from .._timing import draw_seed, share
from .._watch import until
from ..postgres.test_f32_soak import GROWTH, ROUNDS, resident
from ._making import Note, Start, make_messaging

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

LANES = 8


class Work:
    """Publishes and calls of a handler, and faults among them."""

    def __init__(self, messaging: KafkaMessaging, proxy: ChaosProxy, rng: random.Random) -> None:
        self.failed = 0
        self.handled = 0
        self._messaging = messaging
        self._proxy = proxy
        self._rng = rng
        self._waiting: set[int] = set()
        self._all = asyncio.Event()
        self._number = 0

    async def handle(self, payload: Any) -> None:
        """Take a message; one in a hundred fails once in a while, or for good."""
        draw = self._rng.random()

        if draw < 0.005:
            raise ConnectionResetError(payload)

        if draw < 0.01:
            raise LookupError(payload)

        self.handled += 1
        self._waiting.discard(payload)

        if not self._waiting:
            self._all.set()

    async def run(self, topic: str, count: int, tasks: int = 40) -> None:
        """Publish so many, and return when all that were acknowledged have come."""
        await asyncio.gather(*(self._some(topic, count // tasks) for _ in range(tasks)))

        async with asyncio.timeout(60):
            while self._waiting:
                self._all.clear()
                await self._all.wait()

    async def _some(self, topic: str, count: int) -> None:
        for _ in range(count):
            self._number += 1
            number = self._number

            if self._rng.random() < 0.0005:
                self._rng.choice((self._proxy.reset, self._proxy.cut))()

            self._waiting.add(number)

            try:
                await self._messaging.publish(topic, number)
            except InfrastructureError:
                self.failed += 1
                self._waiting.discard(number)


def others() -> int:
    """Return how many tasks there are that wait for no message."""
    return sum("handler" not in task.get_name() for task in asyncio.all_tasks())


async def test_F32_nothing_grows(start_kafka: Start, group: str, record_property: Note) -> None:
    """Memory, descriptors and tasks are at its end what they were after its first fifth."""
    seed, count, port = draw_seed(), share(200_000), free_port()
    server = await start_kafka(KafkaServer(proxy=port))
    assert server.proxied_port is not None

    async with (
        server.topic(2) as topic,
        ChaosProxy((HOST, server.proxied_port), port=port) as proxy,
        make_messaging(f"kafka://{HOST}:{port}", group, attempts=50, lanes=LANES) as messaging,
    ):
        work = Work(messaging, proxy, random.Random(seed))
        await messaging.subscribe(topic, work.handle)
        await work.run(topic, 2 * count // ROUNDS)
        before, files, tasks = resident(), descriptors(), others()
        kept: list[int] = []

        for _ in range(ROUNDS - 2):
            await work.run(topic, count // ROUNDS)
            kept.append(resident() - before)

        assert kept[-1] < GROWTH, (seed, kept)
        # Connections, at each end of the proxy, may be some more.
        await until(lambda: descriptors() <= files + 20, descriptors)
        await until(lambda: others() <= tasks + 3, asyncio.all_tasks)
        assert len(asyncio.all_tasks()) - others() <= LANES

    record_property("soak: messages", count)
    record_property("soak: failed publishes", work.failed)
    record_property("soak: bytes grown after a fifth", kept[-1])
    record_property("soak: seed", seed)
