"""Topics that are made, that are missing, that were removed; and what waits in them."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from confluent_kafka.admin import NewPartitions

from infrastructure import Message, deadline
from infrastructure.interfaces.exceptions import (
    ConnectionError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.messaging.kafka import KafkaMessaging, _lag, _topics
from infrastructure.messaging.kafka._topics import Topics
from infrastructure.messaging.kafka._worker import Worker

from ...faults._inbox import Inbox
from ...faults._timing import SLACK, within
from ...faults._watch import nothing_left
from ...servers.kafka_cluster import KafkaCluster
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .kafka_bench import connected, stored

pytestmark = pytest.mark.slow


def new_name() -> str:
    return f"test-{secrets.token_hex(6)}"


def partitions(endpoint: KafkaEndpoint, topic: str) -> dict[int, Any]:
    """Return the partitions of a topic; none where there is no such topic."""
    return dict(endpoint.admin().list_topics(topic, timeout=5).topics[topic].partitions)


async def remove(endpoint: KafkaEndpoint, *topics: str) -> None:
    """Remove topics, and return when the brokers know it."""
    admin = endpoint.admin()

    for answer in admin.delete_topics(list(topics)).values():
        answer.result(10)

    await until(lambda: not any(partitions(endpoint, topic) for topic in topics))


async def test_an_unknown_topic_is_told_at_once(kafka: KafkaEndpoint) -> None:
    """By publish, publish_many and subscribe, with what to do about it."""
    name = new_name()

    async with connected(kafka) as messaging:
        calls = (
            lambda: messaging.publish(name, 1),
            lambda: messaging.publish_many(name, [1]),
            lambda: messaging.subscribe(name, Inbox()),
            lambda: messaging.subscribe(name, Inbox(), dead_letters=False),
        )

        for call in calls:
            with within(1), pytest.raises(OperationError, match="create_topics=True") as caught:
                await call()

            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", False)

        # Nothing was made, and nothing is remembered that would hinder the next connect.
        assert not partitions(kafka, f"{name}.dlq")
        await messaging.disconnect()
        await messaging.connect()


async def test_missing_topics_are_made(kafka: KafkaEndpoint) -> None:
    """With as many partitions as was said, or as the brokers are set to."""
    name, other = new_name(), new_name()

    async with connected(kafka, create_topics=True, partitions=3) as messaging:
        await messaging.publish(name, 1)
        assert len(partitions(kafka, name)) == 3

    async with connected(kafka, create_topics=True) as messaging:
        await messaging.publish_many(other, [1, 2])
        assert len(partitions(kafka, other)) == 1

    await remove(kafka, name, other)


async def test_a_broker_may_make_them_on_demand(
    start_kafka: Callable[[KafkaServer], Awaitable[KafkaServer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the first message, or the first subscription."""
    # However long a broker takes that was just started.
    monkeypatch.setattr(_topics, "_ON_DEMAND", (*_topics._ON_DEMAND, 0.5, 1, 2, 5))
    server = await start_kafka(KafkaServer({"auto.create.topics.enable": "true"}))
    inbox = Inbox()

    async with connected(server) as messaging:
        for name in (new_name(), new_name(), new_name()):
            await messaging.publish(name, 1)
            await messaging.publish_many(new_name(), [1])

        await messaging.subscribe("first", inbox)
        await messaging.publish("first", 1)
        await until(lambda: inbox.payloads)


async def test_two_make_the_same_topic(kafka: KafkaEndpoint) -> None:
    """One of them comes too late, and does not mind."""
    name = new_name()

    async with (
        connected(kafka, create_topics=True) as one,
        connected(kafka, create_topics=True) as other,
    ):
        await asyncio.gather(one.publish(name, 1), other.publish(name, 2))
        await asyncio.gather(one._topics._create(name, 1, 1), other.publish(name, 3))  # type: ignore[union-attr]

    await remove(kafka, name)


async def test_a_broker_refuses_to_make_one(kafka: KafkaEndpoint) -> None:
    """More copies than there are brokers."""
    async with connected(kafka, create_topics=True, replication=9) as messaging:
        with pytest.raises(OperationError, match="INVALID_REPLICATION_FACTOR") as caught:
            await messaging.publish(new_name(), 1)

        assert caught.value.outcome == "not_applied"


async def test_a_topic_that_was_removed_is_made_again(kafka: KafkaEndpoint) -> None:
    """With the second publish: the first finds out."""
    name = new_name()
    # The driver learns of it before it repeats, and does not believe in a young topic for 2 s.
    options = {"topic.metadata.propagation.max.ms": 0, "retry.backoff.ms": 1000}

    async with connected(kafka, create_topics=True, codec="raw", librdkafka=options) as messaging:
        await messaging.publish(name, b"1")
        await remove(kafka, name)

        with pytest.raises(OperationError, match="UNKNOWN_"):
            await messaging.publish(name, b"2")

        await messaging.publish(name, b"3")
        assert stored(kafka, name, 1) == ["3"]
        await remove(kafka, name)

        with pytest.raises(OperationError, match="UNKNOWN_"):
            await messaging.publish_many(name, [b"4"])

        await messaging.publish_many(name, [b"5"])

    await remove(kafka, name)


async def test_dead_letters_whose_topic_was_removed(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """It is made again: none of them is lost."""
    name = f"{kafka_topic}.dlq"

    async def refuse(payload: Any) -> None:
        raise ValidationError(str(payload))

    async with connected(kafka, codec="raw") as messaging:
        await messaging.subscribe(kafka_topic, refuse)
        await messaging.publish(kafka_topic, b"1")
        await until(lambda: stored(kafka, name, 1, 1))
        await remove(kafka, name)
        await messaging.publish(kafka_topic, b"2")
        await until(lambda: partitions(kafka, name))
        await until(lambda: stored(kafka, name, 1, 1))

    await remove(kafka, name)


class Counts:
    """Asks the real client, and counts."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.looks = 0

    def list_topics(self, topic: str, timeout: float) -> Any:
        self.looks += 1
        return self.client.list_topics(topic, timeout)


async def test_one_asks_for_all(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """However many publish to a topic for the first time, at the same time."""
    counts, worker = Counts(kafka.producer()), Worker("test")
    topics = Topics(lambda: counts, {}, worker, make=False, partitions=None, replication=None)

    try:
        assert not topics.knows(kafka_topic)
        await asyncio.gather(*(topics.ensure(kafka_topic, "publish") for _ in range(100)))
        assert topics.knows(kafka_topic)
        assert counts.looks == 1
    finally:
        worker.end_thread()


async def test_names_of_other_types_are_refused(kafka: KafkaEndpoint) -> None:
    """Also what is not hashable."""
    async with connected(kafka) as messaging:
        for name in (["t"], 5, None, "a b"):
            with pytest.raises(ValidationError):
                await messaging.publish(name, 1)  # type: ignore[arg-type]


async def test_dead_letters_have_their_origins_copies(kafka_cluster: KafkaCluster) -> None:
    """One partition, as safe as the topic itself."""
    name = new_name()

    async with connected(
        kafka_cluster, create_topics=True, partitions=2, replication=2
    ) as messaging:
        await messaging.publish(name, 1)
        await messaging.subscribe(name, Inbox())
        [partition] = partitions(kafka_cluster, f"{name}.dlq").values()
        assert len(partition.replicas) == 2


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the driver wait for an answer for one second instead of five."""
    monkeypatch.setattr(_lag, "_PATIENCE", 1.0)
    monkeypatch.setattr(_topics, "_PATIENCE", 1.0)


@pytest.mark.usefixtures("hurried")
async def test_an_unreachable_broker_has_done_nothing(private_kafka: KafkaServer) -> None:
    """Where a topic is not known yet, the publish has not begun."""
    async with private_kafka.topic() as topic, connected(private_kafka, deadline=3.0) as messaging:
        private_kafka.kill()

        with pytest.raises((ConnectionError, TimeoutError)) as caught:
            await messaging.publish(topic, 1)

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)


async def test_the_lag_is_that_of_the_group(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """What it has not committed; nothing without a group, and of one that is not there."""
    inbox = Inbox()

    async with connected(kafka) as messaging:
        assert await messaging.lag() == {}
        await messaging.subscribe(kafka_topic, inbox)
        await messaging.publish(kafka_topic, 0)
        await until(lambda: inbox.payloads)
        await messaging.unsubscribe(kafka_topic)
        await messaging.publish_many(kafka_topic, range(5))
        assert await messaging.lag() == {kafka_topic: 5}

    async with KafkaMessaging(kafka.url) as nobody:
        assert await nobody.lag() == {}


async def test_all_waits_for_a_group_that_has_not_begun(kafka: KafkaEndpoint) -> None:
    """In each partition without a commit, also where another one of the topic has some."""
    held = Inbox(held=True)
    one, other = Message(1, key="b"), Message(1, key="a")

    async with kafka.topic(2) as topic, connected(kafka, drain_timeout=0.1) as messaging:
        await messaging.publish_many(topic, [one] * 3 + [other] * 4)
        await messaging.subscribe(topic, held)
        await held.begun.wait()
        assert await messaging.lag() == {topic: 7}


async def test_partitions_that_were_added_wait(kafka: KafkaEndpoint) -> None:
    """The group has committed nothing in them; a topic that was removed is not counted."""
    topic, inbox, admin = new_name(), Inbox(), kafka.admin()

    async with connected(kafka, create_topics=True, partitions=1, dead_letters=False) as messaging:
        await messaging.publish(topic, 0)
        await messaging.subscribe(topic, inbox)
        await until(lambda: inbox.payloads)
        await messaging.unsubscribe(topic)
        assert await messaging.lag() == {topic: 0}
        admin.create_partitions([NewPartitions(topic, 8)])[topic].result(10)
        await until(lambda: len(partitions(kafka, topic)) == 8)
        producer = kafka.producer()

        for number in range(8):
            producer.produce(topic, b"", partition=number)

        assert not producer.flush(10)
        assert await messaging.lag() == {topic: 8}
        await remove(kafka, topic)
        assert await messaging.lag() == {}


@pytest.mark.usefixtures("hurried")
async def test_a_silent_broker_tells_no_lag(private_kafka: KafkaServer) -> None:
    """It is our error, also where the driver's own patience ends first."""
    async with connected(private_kafka, deadline=3.0) as messaging:
        await messaging.lag()
        private_kafka.freeze()

        try:
            with deadline(0.5), within(0.5 + SLACK), pytest.raises(TimeoutError):
                await messaging.lag()

            with within(3 + SLACK), pytest.raises((ConnectionError, TimeoutError)) as caught:
                await messaging.lag()

            assert caught.value.retryable
        finally:
            private_kafka.thaw()

        # It was frozen for longer than it may be silent.
        await private_kafka.leads("__consumer_offsets")
        await private_kafka.open_groups()
        # Its late answer harms nobody.
        assert await messaging.lag() == {}


async def test_a_disconnect_ends_who_waits_for_a_topic(
    private_kafka: KafkaServer, start_kafka: Callable[[KafkaServer], Awaitable[KafkaServer]]
) -> None:
    """With an error that says so, and long before the deadline."""
    async with nothing_left(), connected(private_kafka, deadline=60.0) as messaging:
        private_kafka.freeze()
        waiting = [asyncio.create_task(messaging.publish(new_name(), 1)) for _ in range(3)]
        await asyncio.sleep(0.1)
        closing = asyncio.create_task(messaging.disconnect())
        await asyncio.sleep(0.1)
        private_kafka.thaw()

        with within(3):
            await closing
            found = await asyncio.gather(*waiting, return_exceptions=True)

        assert all(isinstance(error, (ConnectionError, OperationError)) for error in found)
        assert all(error.outcome == "not_applied" for error in found)  # type: ignore[union-attr]


async def test_failures_of_many_are_told_once(
    private_kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The first is raised, with its place, and asyncio has nothing to complain of."""
    async with (
        private_kafka.topic() as topic,
        nothing_left(),
        connected(private_kafka, deadline=2.0) as messaging,
    ):
        await messaging.publish(topic, 0)
        private_kafka.kill()

        with caplog.at_level(logging.ERROR), pytest.raises(TimeoutError) as caught:
            await messaging.publish_many(topic, range(10))

        assert caught.value.row_index == 0
        sending = asyncio.create_task(messaging.publish_many(topic, range(10)))
        await asyncio.sleep(0.1)
        sending.cancel()

        with within(SLACK), pytest.raises(asyncio.CancelledError):
            await sending

        publisher = messaging._publisher
        assert publisher is not None
        assert all(each.answer.done() for each in publisher._waiting.everybody())
