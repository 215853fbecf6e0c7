"""Members of a group that are fenced, stopped, or cannot go on."""

from __future__ import annotations

import asyncio
import logging

import pytest

from infrastructure.conformance._expect import turns
from infrastructure.interfaces.exceptions import ConnectionError, OperationError
from infrastructure.messaging.kafka import KafkaMessaging

from ...faults._inbox import Inbox
from ...faults._timing import within
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .kafka_bench import connected, make_fatal, new_group

pytestmark = pytest.mark.slow


async def test_a_fenced_member_says_so(
    kafka: KafkaEndpoint, kafka_topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It handles nothing more, subscribes nothing more, and ends at once."""
    options = {"group_id": new_group(), "group_instance_id": "one"}
    first, second = Inbox(), Inbox()

    async with connected(kafka, **options) as old:
        await old.subscribe(kafka_topic, first)

        async with connected(kafka, **options) as new:
            await new.subscribe(kafka_topic, second)

            with caplog.at_level(logging.CRITICAL, "infrastructure"):
                await until(lambda: "fenced" in caplog.text.lower())

            await new.publish(kafka_topic, "x")
            await until(lambda: second.payloads)
            assert first.payloads == []

            with within(2), pytest.raises((OperationError, ConnectionError), match=r"(?i)fenced"):
                await old.subscribe(kafka_topic, Inbox())

            with within(2):
                await old.disconnect()

        # The place is free again.
        await old.connect()
        await old.publish(kafka_topic, "y")
        await until(lambda: "y" in first.payloads)


async def test_a_fatal_error_frees_what_was_ours(
    kafka: KafkaEndpoint, kafka_topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler that runs is cancelled: its message is somebody else's."""
    held, inbox = Inbox(held=True), Inbox()
    group = new_group()

    async with connected(kafka, group_id=group, session_timeout=6.0) as messaging:
        await messaging.subscribe(kafka_topic, held)
        await messaging.publish(kafka_topic, "x")
        await held.begun.wait()
        assert messaging._member is not None
        assert messaging._member._thread is not None

        with caplog.at_level(logging.CRITICAL, "infrastructure"):
            make_fatal(messaging._member._thread._consumer)
            await until(lambda: "handles no messages any more" in caplog.text)

        await until(lambda: not messaging._member._reader.assigned)  # type: ignore[union-attr]

        async with connected(kafka, group_id=group, session_timeout=6.0) as other:
            await other.subscribe(kafka_topic, inbox)
            await until(lambda: inbox.payloads == ["x"])

        with within(2):
            # Its handlers have ended: there is nothing to be told.
            await messaging.unsubscribe(kafka_topic)
            await messaging.disconnect()

        assert held.payloads == []


async def test_the_longest_session(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """The driver takes it, and so do the brokers."""
    inbox = Inbox()

    async with connected(kafka, session_timeout=1800) as messaging:
        await messaging.subscribe(kafka_topic, inbox)
        await messaging.publish(kafka_topic, "x")
        await until(lambda: inbox.payloads)


async def test_a_commit_ends_with_its_connection(private_kafka: KafkaServer) -> None:
    """Whoever waits for it in the background waits no longer than the consumer is there."""
    async with private_kafka.topic() as topic:
        inbox = Inbox()
        messaging = KafkaMessaging(private_kafka.url, group_id=new_group())
        await messaging.connect()
        await messaging.subscribe(topic, inbox)
        await messaging.publish(topic, "x")
        await inbox.wait_for("x")
        private_kafka.freeze()
        leaving = asyncio.ensure_future(messaging.unsubscribe(topic))
        await turns()
        closing = asyncio.ensure_future(messaging.disconnect())
        await turns()
        closing.cancel()

        with within(2):
            await asyncio.wait({leaving, closing})

        assert not messaging._endings
        private_kafka.thaw()
