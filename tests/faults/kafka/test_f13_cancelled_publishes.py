"""F13: publishes are cancelled at random moments, and what they were told is compared with the log."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from infrastructure import ConnectionError, InfrastructureError, Message, deadline
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from .._cancels import Cancels
from .._timing import draw_seed, share
from .._watch import ARRIVAL, nothing_left, until
from ._messagings import Note, logged, make_messaging

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

COUNT = share(40_000)


class PublishCancels(Cancels):
    """Publishes numbers that are used once, under few keys, and notes what was acknowledged.

    ``acknowledged``  the messages that the broker has, as we were told.
    ``refused``       those of which we were told that nothing was applied.
    """

    def __init__(self, messaging: KafkaMessaging, topic: str, rng: random.Random) -> None:
        super().__init__(rng, longest=0.01)
        self._messaging = messaging
        self._topic = topic
        self._next = 0
        self.acknowledged: set[int] = set()
        self.refused: set[int] = set()
        self.operations = [self._publish, self._publish, self._loop, self._many, self._hasty]

    def _message(self, key: int) -> tuple[int, Message]:
        self._next += 1
        return self._next, Message(self._next, key=f"key {key % 20}")

    async def _publish(self, number: int) -> None:
        one, message = self._message(number)
        await self._messaging.publish(self._topic, message)
        self.acknowledged.add(one)

    async def _loop(self, number: int) -> None:
        while True:
            await self._publish(number)

    async def _many(self, number: int) -> None:
        made = [self._message(number) for _ in range(10)]
        await self._messaging.publish_many(self._topic, [message for _, message in made])
        self.acknowledged |= {one for one, _ in made}

    async def _hasty(self, number: int) -> None:
        one, message = self._message(number)

        try:
            with deadline(0.001):
                await self._messaging.publish(self._topic, message)
        except InfrastructureError as exc:
            if exc.outcome == "not_applied":
                self.refused.add(one)
        else:
            self.acknowledged.add(one)


async def test_F13_the_log_has_what_was_acknowledged(
    broker: KafkaServer, topic: str, record_property: Note
) -> None:
    """All of it, nothing twice, nothing that was denied, each key in order; no cancellation is lost."""
    seed = draw_seed()

    async with nothing_left(), make_messaging(broker, deadline=10) as messaging:
        # Who is the first to name a topic waits until it is known, and others pass him by.
        await messaging.publish(topic, 0)
        cancels = PublishCancels(messaging, topic, random.Random(seed))
        await cancels.run(COUNT)
        counts = cancels.counts
        assert counts["cancelled"] > counts["operations"] / 4, counts
        assert counts["lost"] == 0, (seed, counts)
        # Behind all that is still on its way.
        await messaging.publish(topic, 0)
        publisher = messaging._publisher
        assert publisher is not None
        assert not publisher._waiting

    log = [(key, number) for key, number in logged(broker, topic) if key is not None]
    found = Counter(number for _, number in log)
    assert not cancels.acknowledged - set(found), seed
    assert not cancels.refused & set(found), seed
    assert max(found.values()) == 1, seed

    for name in {key for key, _ in log}:
        numbers = [number for key, number in log if key == name]
        assert numbers == sorted(numbers), (seed, name)

    record_property("publishes begun", cancels._next)
    record_property("acknowledged", len(cancels.acknowledged))
    record_property("cancelled, and stored all the same", len(found) - len(cancels.acknowledged))
    record_property("cancel fuzz of publishes: seed", seed)


async def test_F13_a_publish_cancelled_in_its_first_turn_is_never_sent(
    broker: KafkaServer, topic: str
) -> None:
    """Before the end of the turn of the loop nothing is handed over."""
    async with make_messaging(broker, deadline=10) as messaging:
        await messaging.publish(topic, "before")

        for number in range(50):
            task = asyncio.ensure_future(messaging.publish(topic, number))
            # It runs up to its first wait, and is cancelled behind that, in the same turn.
            asyncio.get_running_loop().call_soon(task.cancel)
            await asyncio.wait({task})
            assert task.cancelled()

        await messaging.publish(topic, "after")

    assert [payload for _, payload in logged(broker, topic)] == ["before", "after"]


async def test_F13_what_waits_for_its_repetition_may_be_stored(
    broker: KafkaServer, proxy: ChaosProxy, topic: str
) -> None:
    """Its first answer was lost, and then its producer had to end: nobody says that it was not applied."""
    async with make_messaging(proxy, deadline=20) as messaging:
        await messaging.publish(topic, "before")
        proxy.black_hole("to_client")
        sent = asyncio.ensure_future(messaging.publish(topic, "stored"))
        await until(lambda: len(logged(broker, topic)) == 2, lambda: logged(broker, topic), ARRIVAL)
        proxy.refuse()
        proxy.reset()
        publisher = messaging._publisher
        assert publisher is not None
        await until(lambda: publisher._outage.is_open, lambda: publisher.trouble, ARRIVAL)
        # As behind a fatal error.
        publisher._renew(topic)

        with pytest.raises(ConnectionError) as caught:
            await sent

        assert caught.value.outcome == "unknown"
        proxy.heal()
        await messaging.publish(topic, "after")

    assert [payload for _, payload in logged(broker, topic)] == ["before", "stored", "after"]
