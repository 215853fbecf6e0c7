"""Kafka messaging whose loop is gone, and publishes that are given up."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest

from infrastructure.interfaces.exceptions import ConnectionError, ValidationError
from infrastructure.messaging.kafka import KafkaMessaging

from ...faults._inbox import Inbox
from ...faults._timing import SLACK, within
from ...faults._watch import nothing_left, until as soon
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .kafka_bench import connected, new_group

pytestmark = pytest.mark.slow


async def test_it_connects_afresh_where_its_loop_was_closed(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """With its subscriptions; nothing of the old connection is left."""
    inbox = Inbox()
    messaging = KafkaMessaging(kafka.url, group_id=new_group(), codec="raw")

    async def connect() -> None:
        await messaging.connect()
        await messaging.subscribe(kafka_topic, inbox)

    def run() -> None:
        asyncio.run(connect())

    # The loop's own threads stay.
    await asyncio.to_thread(int)

    async with nothing_left():
        thread = Thread(target=run)
        thread.start()
        await asyncio.to_thread(thread.join)

        async with messaging:
            await messaging.publish(kafka_topic, b"x")
            await until(lambda: inbox.payloads == [b"x"])


async def test_publishes_that_are_given_up(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """In the middle: those that have not left never do."""
    async with connected(kafka) as messaging:
        publishing = asyncio.create_task(messaging.publish_many(kafka_topic, range(5000)))
        publisher = messaging._publisher
        assert publisher is not None

        await soon(lambda: publisher._waiting, lambda: "nothing waits")
        publishing.cancel()

        with within(SLACK), pytest.raises(asyncio.CancelledError):
            await publishing

        assert all(each.answer.done() for each in publisher._waiting.everybody())


async def test_one_of_many_that_cannot_be_sent(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Those before it are; its place is told."""
    async with connected(kafka) as messaging:
        with pytest.raises(ValidationError) as caught:
            await messaging.publish_many(kafka_topic, [1, 2, object(), 3])

        assert caught.value.row_index == 2

    with pytest.raises(ConnectionError, match="publish_many"):
        await messaging.publish_many(kafka_topic, [1])
