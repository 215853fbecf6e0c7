"""A messaging of somebody else's over the delivery engine: a broker that is lists, and its harness."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from contextvars import Context
from itertools import accumulate
from typing import Any, Unpack

from infrastructure import backends as kit
from infrastructure.conformance import MessagingHarness


class Broker:
    """What a real one keeps on disk: records, and for each group how far it is and who reads."""

    def __init__(self) -> None:
        self.topics: dict[str, list[kit.Record]] = defaultdict(list)
        self.done: dict[tuple[str, str], int] = defaultdict(int)
        self.members: dict[tuple[str, str], list[Member]] = defaultdict(list)

    def append(self, topic: str, *packed: Any) -> None:
        """Store a message, and tell who reads for each group: the first of its members."""
        log = self.topics[topic]
        key, payload, headers, encoding, size = packed
        where = kit.Partition(topic, 0)
        log.append(kit.Record(where, len(log), key, payload, headers, time.time(), encoding, size))

        for (_, name), members in self.members.items():
            if name == topic and members:
                members[0].wake(topic)


class Member:
    """The five methods that the engine asks of a broker, and what feeds the engine."""

    def __init__(self, broker: Broker, group: str, owner: str) -> None:
        self.broker, self.group = broker, group
        self.engine = kit.DeliveryEngine(self, group=group, owner=owner)
        self.read: dict[str, int] = {}
        self.paused: set[str] = set()

    def join(self, topic: str) -> None:
        """Queue up for the topic; the first in the queue owns its one partition."""
        members = self.broker.members[self.group, topic]
        members += [self] if self not in members else []

        if members[0] is self and topic not in self.read:
            self.read[topic] = self.broker.done[self.group, topic]
            self.engine.assigned([kit.Partition(topic, 0)])
            self.wake(topic)

    def leave(self, topic: str) -> None:
        """Make room for the next; it begins with what this one has not finished."""
        self.read.pop(topic, None)
        members = self.broker.members[self.group, topic]

        if self in members:
            members.remove(self)

        if members:
            members[0].join(topic)

    def wake(self, topic: str) -> None:
        """Deliver soon, outside of whatever the publisher is in: its deadline, its transaction."""
        asyncio.get_running_loop().call_soon(self.deliver, topic, context=Context())

    def deliver(self, topic: str) -> None:
        """Hand over as many records as the engine has room for."""
        if topic not in self.read or topic in self.paused:
            return

        where, log = kit.Partition(topic, 0), self.broker.topics[topic]
        room, size = self.engine.room(where)
        records = log[self.read[topic] :][:room]
        sizes = accumulate(record.size for record in records)
        # At least one: a message may be larger than the room for all of them.
        records = records[: max(1, sum(total <= size for total in sizes))]
        self.read[topic] += len(records)
        self.engine.deliver(where, records)

        if records and self.read[topic] < len(log):
            self.wake(topic)

    async def append(self, topic: str, record: kit.Record) -> None:
        """Store a dead letter."""
        parts = (record.key, record.payload, record.headers, record.encoding, record.size)
        self.broker.append(topic, *parts)

    async def commit(self, offsets: Mapping[kit.Partition, int]) -> None:
        """Store how far the group is."""
        self.broker.done.update({(self.group, p.topic): n for p, n in offsets.items()})

    def pause(self, partition: kit.Partition) -> None:
        """Deliver no more until ``resume``."""
        self.paused.add(partition.topic)

    def resume(self, partition: kit.Partition) -> None:
        """Deliver again."""
        self.paused.discard(partition.topic)
        self.wake(partition.topic)

    async def ensure_topic(self, name: str, origin: str) -> None:
        """Do nothing: a topic is there once it is named."""


class ListMessaging(kit.EngineMessaging):
    """Messaging over a broker; the options are those of ``DeliveryOptions``."""

    def __init__(
        self,
        broker: Broker,
        *,
        group_id: str = "default",
        deadline: float | None = None,
        **delivery: Unpack[kit.DeliveryKeywords],
    ) -> None:
        super().__init__(kit.delivery_options(delivery, ListMessaging), deadline=deadline)
        self._broker, self._group = broker, group_id
        self._pack = kit.Packer(self._options).pack

    async def publish(self, topic: str, message: Any) -> None:
        """Publish; a handler may while ``disconnect`` waits for it."""
        if not self._finishing():
            self._check("publish")

        self._broker.append(kit.check_topic(topic), *self._pack(message))

    async def _open(self) -> None:
        self._member = Member(self._broker, self._group, self._describe())
        self._begin(self._member.engine)
        await self._engage_all()

    async def _join(self, topic: str) -> None:
        self._member.join(topic)

    async def _leave(self, topic: str, *, connected: bool) -> None:
        self._member.leave(topic)

        if connected and topic in self._registered:
            self._member.join(topic)

    def _abort(self) -> None:
        # Without an engine the connection was given up before it had begun.
        if self._engine is not None:
            for topic in tuple(self._member.read) + tuple(self._registered):
                self._member.leave(topic)

        super()._abort()


class ListHarness(MessagingHarness):
    """A broker of its own for each check."""

    def __init__(self) -> None:
        self._broker = Broker()
        self.missing = {
            "bounded_log": "the lists grow until the memory ends",
            "retain": "a new group begins with the earliest message",
        }

    def make(self, **options: Any) -> ListMessaging:
        """Return a messaging on this check's broker."""
        return ListMessaging(self._broker, **options)
