"""A broker of its own and a proxy for each measurement, and a journal of what handlers did."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import TopicPartition

from infrastructure.testing import ChaosProxy
from tests.servers.kafka_server import KafkaServer
from tests.servers.ports import HOST, free_port

from ._children import Children
from ._clients import CLIENTS, Client, Publish
from ._group import Group
from ._journal import Journal, Name

__all__ = ["PARTITIONS", "Stage", "on_stage"]

PARTITIONS = 4
_GROUP = "measured"
_QUIET = 14.0
"""Seconds without news in which a dead member's session has ended, and others have its partitions."""


@dataclass(frozen=True)
class Stage:
    """A client, and what it is measured with."""

    server: KafkaServer
    proxy: ChaosProxy
    client: Client
    topic: str
    journal: Journal
    children: Children
    group: Group

    def fill(
        self, names: Iterable[Name], seconds: float = 0, poison: Collection[Name] = ()
    ) -> None:
        """Publish messages, each key to a partition of its own."""
        # Idempotent: repeated batches keep their order.
        producer = self.server.producer({"linger.ms": 20, "enable.idempotence": True})

        for key, number in names:
            payload = json.dumps([key, number, seconds, (key, number) in poison])
            producer.produce(self.topic, payload, key, partition=int(key[1:]) % PARTITIONS)

        producer.flush()

    def quick(self) -> None:
        """Have handlers end at once from now on."""
        Path(f"{self.journal.path}.quick").touch()

    async def until(self, condition: Callable[[], object], longest: float) -> bool:
        """Return whether it came true, looking after the processes meanwhile."""
        end = time.monotonic() + longest

        while not (true := bool(condition())) and time.monotonic() < end:
            self.children.look_after()
            await asyncio.sleep(0.05)

        return true

    async def settled(self, wanted: set[Name], longest: float = 60.0) -> None:
        """Return when they were handled, or nothing more is for a while."""
        count, since = -1, time.monotonic()

        def still() -> bool:
            nonlocal count, since

            if count != (count := len(self.journal.names("end"))):
                since = time.monotonic()

            return self.journal.names("end") >= wanted or time.monotonic() - since > _QUIET

        await self.until(still, longest)

    def told(self, wanted: set[Name]) -> str:
        """Return what became of them."""
        lost = len(wanted - self.journal.names("end"))
        return (
            f"{lost} lost, {self.journal.repeated()} handled twice, {self.journal.disordered()} out of order"
            f"{self.children.told()}"
        )

    def stored(self, topic: str) -> Counter[Name]:
        """Return the messages that a topic has, by the control connection, and how often."""
        consumer = self.server.consumer("reader", dict(self.server.control_options))
        found: Counter[Name] = Counter()

        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            consumer.assign([place])
            left = consumer.get_watermark_offsets(place, 10)[1]

            while left:
                for message in consumer.consume(min(left, 1000), 5):
                    key, number, *_ = json.loads(message.value() or b"")
                    found[key, number] += 1
                    left -= 1

        consumer.close()
        return found

    def publisher(self) -> AbstractAsyncContextManager[Publish]:
        """Open the client's publisher, by the proxy."""
        return self.client.publish(f"{self.proxy.host}:{self.proxy.port}", self.topic)


@asynccontextmanager
async def on_stage(client: Client) -> AsyncIterator[Stage]:
    """Give it with an empty topic."""
    port = free_port()
    name = next(name for name, each in CLIENTS.items() if each is client)

    async with KafkaServer(proxy=port) as server, server.topic(PARTITIONS) as topic:
        assert server.proxied_port is not None
        journal = Journal(server.folder / "journal")
        children = Children(name, server.bootstrap, topic, _GROUP, str(journal.path))
        group = Group(server, _GROUP, topic, PARTITIONS)

        async with ChaosProxy((HOST, server.proxied_port), port=port) as proxy:
            try:
                yield Stage(server, proxy, client, topic, journal, children, group)
            finally:
                proxy.heal()
                children.end()
                group.close()
                journal.close()
