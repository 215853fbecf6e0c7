"""F25: ``disconnect`` at any moment: what runs ends, what ended is committed, the rest comes again."""

from __future__ import annotations

import asyncio
import itertools
import threading
from functools import partial

import pytest

from infrastructure import ConnectionError

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .._outcomes import ended
from .._sessions import shorten_session
from .._timing import SLACK, within
from .._watch import nothing_left
from ._load import Offsets, messages, names
from ._making import PATIENCE, Collector, Make, committed, make_messaging

pytestmark = pytest.mark.slow

LEAVING = 2.0
"""Seconds for the last commit, and to leave the group, once all handlers have ended."""


def is_consumer(thread: threading.Thread) -> bool:
    """Return whether a thread has a member's consumer."""
    return thread.name == "kafka consumer"


async def test_F25_before_connect_and_twice(kafka_topic: str, make: Make) -> None:
    """It has nothing to do, and does no harm; the subscription stays."""
    handler, messaging = Collector(), make()

    async with nothing_left():
        await messaging.subscribe(kafka_topic, handler)
        await messaging.disconnect()

        for number in range(2):
            await messaging.connect()
            await messaging.publish(kafka_topic, number)
            await until(lambda: handler.ended == list(range(number + 1)), PATIENCE)  # noqa: B023
            await asyncio.gather(*(messaging.disconnect() for _ in range(3)))
            await messaging.disconnect()

        with pytest.raises(ConnectionError):
            await messaging.publish(kafka_topic, 2)


async def test_F25_what_runs_is_drained(kafka: KafkaEndpoint, make: Make, group: str) -> None:
    """All calls that run end and are committed: the next member gets exactly the others."""
    first, second = Collector(lambda _: True), Collector()

    async with kafka.topic(4) as topic:
        async with make(lanes=16) as messaging:
            await messaging.subscribe(topic, first)
            await messaging.publish_many(topic, range(16))
            await until(lambda: len(first.begun) == 16, PATIENCE)
            await messaging.publish_many(topic, range(16, 200))
            leaving = asyncio.ensure_future(messaging.disconnect())
            engine = messaging._engine
            assert engine is not None
            await until(lambda: engine._draining, PATIENCE)
            assert not leaving.done()
            first.go.set()

            with within(LEAVING):
                await leaving

        assert sorted(first.ended) == list(range(16))
        offsets = Offsets(kafka, group, topic, 4)
        await until(lambda: sum(offsets.committed().values()) == 16, PATIENCE)

        async with make() as messaging:
            await messaging.subscribe(topic, second)
            await until(lambda: len(second.ended) == 184, PATIENCE)
            await until(offsets.are_at_end)

        offsets.close()

    assert sorted(second.begun) == list(range(16, 200))


async def test_F25_a_handler_that_does_not_end(kafka_topic: str, make: Make) -> None:
    """After the drain time it is cancelled; its message comes again, as a first attempt."""
    first, second = Collector(lambda _: True), Collector()

    async with nothing_left():
        messaging = make(drain_timeout=0.5)
        await messaging.subscribe(kafka_topic, first)
        await messaging.connect()
        await messaging.publish(kafka_topic, "m")
        await until(lambda: first.begun, PATIENCE)

        with within(0.5 + LEAVING):
            await messaging.disconnect()

        assert (first.cancelled, first.ended) == (["m"], [])

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, second)
        await until(lambda: second.ended == ["m"], PATIENCE)
        assert second.attempts == [1]


async def test_F25_a_cancelled_body(kafka_topic: str, make: Make) -> None:
    """It does not wait for handlers: within a second all is over, and the message comes again."""
    first, second = Collector(lambda _: True), Collector()

    async def body() -> None:
        async with make() as messaging:
            await messaging.subscribe(kafka_topic, first)
            await messaging.publish(kafka_topic, "m")
            await asyncio.Event().wait()

    async with nothing_left():
        task = asyncio.ensure_future(body())
        await until(lambda: first.begun, PATIENCE)

        with within(1 + SLACK):
            task.cancel()
            await asyncio.wait({task})

        assert task.cancelled()
        assert first.cancelled == ["m"]

    async with make() as messaging:
        await messaging.subscribe(kafka_topic, second)
        await until(lambda: second.ended == ["m"], PATIENCE)


async def test_F25_under_load(kafka: KafkaEndpoint, make: Make) -> None:
    """Time after time: each publish ends, and what was acknowledged is handled in the end."""
    handler, acknowledged, number = Collector(), set(), itertools.count()
    messaging = make()

    async def go_on(topic: str) -> None:
        while True:
            payload = next(number)

            if isinstance(await ended(partial(messaging.publish, topic, payload), 10), Exception):
                return

            acknowledged.add(payload)

    async with kafka.topic(4) as topic, nothing_left():
        await messaging.subscribe(topic, handler)

        for turn in range(1, 4):
            await messaging.connect()
            tasks = [asyncio.ensure_future(go_on(topic)) for _ in range(20)]
            await until(lambda: len(handler.ended) > turn * 500, PATIENCE)  # noqa: B023

            with within(LEAVING):
                await messaging.disconnect()
                await asyncio.gather(*tasks)

        await messaging.connect()
        await until(lambda: acknowledged <= set(handler.ended), PATIENCE)
        await messaging.disconnect()


async def test_F25_while_it_connects(private_kafka: KafkaServer, group: str) -> None:
    """``connect`` is told so at once; nothing is left of it."""
    handler = Collector()

    async with private_kafka.topic() as topic:
        messaging = make_messaging(private_kafka.url, group)
        await messaging.subscribe(topic, handler)
        private_kafka.freeze()

        async with nothing_left():
            connecting = asyncio.ensure_future(messaging.connect())
            # Its clients are there, and ask for a broker.
            await until(lambda: messaging._worker, PATIENCE)
            assert not connecting.done()

            with within(SLACK):
                await messaging.disconnect()

                with pytest.raises(ConnectionError):
                    await connecting

        private_kafka.thaw()

        async with messaging:
            await messaging.publish(topic, 1)
            await until(lambda: handler.ended == [1], PATIENCE)


@pytest.mark.parametrize("fault", ["freeze", "kill"])
async def test_F25_without_a_broker(private_kafka: KafkaServer, group: str, fault: str) -> None:
    """Nothing can be committed: it ends all the same; the next member goes on, nothing is lost."""
    first, second = Collector(lambda payload: payload[1] == 1), Collector()
    wanted = names(4, range(2))

    async with private_kafka.topic() as topic:
        # The next member has nothing before the session of the first one ends.
        messaging = shorten_session(make_messaging(private_kafka.url, group, drain_timeout=0.5))
        await messaging.subscribe(topic, first)
        await messaging.connect()
        await messaging.publish_many(topic, messages(wanted))
        await until(lambda: len(first.begun) == len(wanted), PATIENCE)
        await until(lambda: committed(messaging) == {(topic, 0): 4}, PATIENCE)
        (private_kafka.freeze if fault == "freeze" else private_kafka.kill)()
        first.go.set()

        with within(0.5 + LEAVING + SLACK):
            await messaging.disconnect()

        assert len(first.ended) == len(wanted)

        if fault == "freeze":
            private_kafka.thaw()
        else:
            await private_kafka.start()

        await private_kafka.leads(topic)
        # In the background librdkafka waits for the answer to its commit.
        await until(lambda: not any(map(is_consumer, threading.enumerate())), PATIENCE)

        async with make_messaging(private_kafka.url, group) as again:
            await again.subscribe(topic, second)
            await again.publish_many(topic, messages(names(4, [2])))
            await until(lambda: sum(payload[1] == 2 for payload in second.ended) == 4, PATIENCE)

    # The last commit may have come when the broker was back.
    assert {payload[1] for payload in second.ended} <= {1, 2}
