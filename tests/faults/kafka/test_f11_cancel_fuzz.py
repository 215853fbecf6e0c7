"""F11: whole lives of messagings are cancelled at random moments."""

from __future__ import annotations

import asyncio
import random

import pytest

from infrastructure import deadline

from ...servers.kafka_server import KafkaServer
from .._cancels import Cancels
from .._inbox import Inbox
from .._timing import draw_seed, share
from .._watch import nothing_left
from ._messagings import Note, make_messaging

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]


class LifeCancels(Cancels):
    """Connects, subscribes, publishes, unsubscribes and leaves, with one messaging for each operation."""

    def __init__(self, broker: KafkaServer, topic: str, rng: random.Random) -> None:
        super().__init__(rng, longest=0.4)
        self._broker = broker
        self._topic = topic
        self.operations = [self._life, self._life, self._flat, self._crowd]

    async def _life(self, number: int) -> None:
        inbox = Inbox()

        async with make_messaging(self._broker, deadline=10) as messaging:
            await messaging.subscribe(self._topic, inbox)
            await messaging.publish(self._topic, number)
            await inbox.wait_for(number)
            await messaging.unsubscribe(self._topic)
            await messaging.subscribe(self._topic, inbox)

    async def _flat(self, number: int) -> None:
        messaging = make_messaging(self._broker, deadline=10)

        try:
            await messaging.connect()
            await messaging.publish_many(self._topic, [number] * 100)
            await messaging.disconnect()
            await messaging.connect()
            await messaging.subscribe(self._topic, Inbox())
        finally:
            await messaging.disconnect()

    async def _crowd(self, number: int) -> None:
        async with (
            make_messaging(self._broker, deadline=10) as messaging,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(messaging.subscribe(self._topic, Inbox()))
            group.create_task(messaging.connect())

            for _ in range(10):
                group.create_task(messaging.publish(self._topic, number))


async def test_F11_cancelled_lives_do_no_harm(
    broker: KafkaServer, topic: str, record_property: Note
) -> None:
    """No cancellation is lost, no task, thread or socket stays, nobody complains; others are not touched."""
    seed = draw_seed()

    async with nothing_left(), make_messaging(broker, deadline=10) as other:
        inbox = Inbox()
        await other.subscribe(topic, inbox)
        cancels = LifeCancels(broker, topic, random.Random(seed))
        await cancels.run(share(400), workers=4)
        counts = cancels.counts
        assert counts["cancelled"] > counts["operations"] / 4, (seed, counts)
        assert counts["lost"] == 0, (seed, counts)

        with deadline(5):
            await other.publish(topic, "after")

        await inbox.wait_for("after")

    for name in ("operations", "cancelled", "lost"):
        record_property(f"cancel fuzz of lives: {name}", counts[name])

    record_property("cancel fuzz of lives: seed", seed)
