"""F26: handlers that unsubscribe, subscribe and disconnect, and storms of that: no deadlock, no loss."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .._timing import SLACK, draw_seed, within
from .._watch import nothing_left
from ._load import Offsets
from ._making import PATIENCE, Collector, Make

pytestmark = pytest.mark.slow

DEADLINE = 10.0


class Calling(Collector):
    """A handler that makes a call of its own messaging at one of its messages."""

    def __init__(self, at: Any, call: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.returned = asyncio.Event()
        self._at = at
        self._call = call

    async def __call__(self, payload: Any) -> None:
        if payload == self._at:
            with within(DEADLINE + SLACK):
                await self._call()

            self.returned.set()

        await super().__call__(payload)


async def rest(make: Make, topic: str, got: list[int], count: int) -> None:
    """Expect that the next member gets what the first has not committed."""
    handler = Collector()

    async with make() as messaging:
        await messaging.subscribe(topic, handler)
        await until(lambda: {*got, *handler.ended} == set(range(count)), PATIENCE)


async def test_F26_a_handler_that_unsubscribes_itself(kafka_topic: str, make: Make) -> None:
    """It returns while the handler runs; nothing further comes, and nothing is lost."""
    async with nothing_left(), make(order="partition") as messaging:
        handler = Calling(5, partial(messaging.unsubscribe, kafka_topic))
        await messaging.subscribe(kafka_topic, handler)
        await messaging.publish_many(kafka_topic, range(20))
        await until(handler.returned.is_set, PATIENCE)
        await until(lambda: handler.ended == list(range(6)), PATIENCE)
        again = Collector()
        await messaging.subscribe(kafka_topic, again)
        await until(lambda: again.ended == list(range(6, 20)), PATIENCE)
        assert handler.ended == list(range(6))


async def test_F26_a_handler_that_disconnects(
    kafka: KafkaEndpoint, kafka_topic: str, make: Make, group: str
) -> None:
    """It returns when the others are done; its own message is committed when it has returned."""
    async with nothing_left():
        messaging = make(order="partition")
        handler = Calling(5, messaging.disconnect)
        await messaging.subscribe(kafka_topic, handler)
        await messaging.connect()
        await messaging.publish_many(kafka_topic, range(20))
        await until(handler.returned.is_set, PATIENCE)
        # It waits for the end that has begun.
        await messaging.disconnect()
        assert handler.ended == list(range(6))

    # Behind the block: it opens connections of its own, whenever the driver likes.
    offsets = Offsets(kafka, group, kafka_topic, 1)
    assert offsets.committed() == {0: 6}
    offsets.close()
    await rest(make, kafka_topic, handler.ended, 20)


async def test_F26_a_handler_that_subscribes(kafka: KafkaEndpoint, make: Make) -> None:
    """Another topic, whose messages come while the first handler runs."""
    async with (
        kafka.topic() as topic,
        kafka.topic() as another,
        nothing_left(),
        make() as messaging,
    ):
        other = Collector()

        async def call() -> None:
            await messaging.subscribe(another, other)
            await messaging.publish(another, "n")
            await until(lambda: other.ended == ["n"], PATIENCE)

        handler = Calling("m", call)
        await messaging.subscribe(topic, handler)
        await messaging.publish(topic, "m")
        await until(lambda: handler.ended == ["m"], PATIENCE)


class Storm:
    """Handlers that fail, subscribe and unsubscribe, of several topics."""

    def __init__(self, messaging: KafkaMessaging, topics: list[str], rng: random.Random) -> None:
        self.handled: dict[str, set[Any]] = {topic: set() for topic in topics}
        self.handlers = {topic: self._handler(topic) for topic in topics}
        self._messaging = messaging
        self._rng = rng

    def _handler(self, topic: str) -> Any:
        async def handle(payload: Any) -> None:
            draw = self._rng.random()

            if draw < 0.02:
                await self.turn(self._rng.choice(list(self.handled)))
            elif draw < 0.1:
                raise ConnectionError

            self.handled[topic].add(payload)

        return handle

    def is_interrupted(self) -> bool:
        """Return whether a topic is not subscribed."""
        return self.handled.keys() != self._messaging._registered.keys()

    async def turn(self, topic: str) -> None:
        """Subscribe to a topic, or unsubscribe."""
        if self._rng.random() < 0.5:
            await self._messaging.subscribe(topic, self.handlers[topic])
        else:
            await self._messaging.unsubscribe(topic)


async def test_F26_a_storm(kafka: KafkaEndpoint, make: Make) -> None:
    """From handlers and from outside, all at once: each call ends, and each message is handled."""
    seed = draw_seed()
    rng = random.Random(seed)

    async with (
        kafka.topic(2) as one,
        kafka.topic() as two,
        kafka.topic() as three,
        nothing_left(),
        make() as messaging,
    ):
        topics = [one, two, three]
        storm = Storm(messaging, topics, rng)

        async def outside() -> None:
            for _ in range(8):
                with within(DEADLINE + SLACK):
                    await storm.turn(rng.choice(topics))

                await asyncio.sleep(rng.uniform(0, 0.1))

        turns = [asyncio.ensure_future(outside()) for _ in range(3)]

        for number in range(100):
            for topic in topics:
                await messaging.publish(topic, number)

        await asyncio.gather(*turns)
        wanted = {topic: set(range(100)) for topic in topics}

        # A handler may have unsubscribed again.
        while storm.handled != wanted:
            for topic in topics:
                await messaging.subscribe(topic, storm.handlers[topic])

            await until(lambda: storm.handled == wanted or storm.is_interrupted(), PATIENCE)

    assert storm.handled == wanted, seed
