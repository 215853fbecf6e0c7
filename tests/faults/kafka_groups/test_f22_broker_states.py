"""F22: states of brokers: too few replicas, a topic that is gone, a password that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

from infrastructure import ConfigurationError, InfrastructureError, OperationError, deadline
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_cluster import KafkaCluster
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_security import Sasl
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .._timing import HEALED, SLACK, within
from .._watch import nothing_left
from ._making import PATIENCE, Collector, Make, Start, make_messaging

pytestmark = pytest.mark.slow

DEADLINE = 0.5
"""Seconds for a publish that cannot succeed."""

AT_ONCE = {"topic.metadata.propagation.max.ms": 0, "retry.backoff.ms": 1000}
"""A driver that does not believe in a young topic for 2 s, and learns of its end before it repeats."""


class Forwarder:
    """A handler that publishes what it gets; it keeps the errors of that."""

    def __init__(self, messaging: KafkaMessaging, topic: str) -> None:
        self.failed: list[InfrastructureError] = []
        self.done: list[Any] = []
        self._messaging = messaging
        self._topic = topic

    async def __call__(self, payload: Any) -> None:
        try:
            with deadline(DEADLINE):
                await self._messaging.publish(self._topic, payload)
        except InfrastructureError as exc:
            self.failed.append(exc)
            raise

        self.done.append(payload)


async def letters_in(messaging: KafkaMessaging, topic: str) -> int:
    """Return how many dead letters a topic has."""
    async with messaging.dead_letters(topic) as box:
        return box.waiting


async def test_F22_too_few_replicas_are_an_outage(kafka_cluster: KafkaCluster, group: str) -> None:
    """A handler that cannot publish is tried again until it can, however often; no dead letter."""
    strict = {"min.insync.replicas": "3"}

    async with (
        kafka_cluster.topic() as topic,
        kafka_cluster.topic(config=strict) as target,
        make_messaging(kafka_cluster.url, group) as messaging,
    ):
        forwarder = Forwarder(messaging, target)
        await messaging.subscribe(topic, forwarder)
        await messaging.publish(topic, 0)
        await until(lambda: forwarder.done == [0], PATIENCE)
        leader = kafka_cluster.leader_of(target)
        stopped = next(node for node in kafka_cluster.nodes if node is not leader)
        stopped.kill()
        await kafka_cluster.settle()

        for number in range(1, 4):
            await messaging.publish(topic, number)

        # More often than a message has attempts.
        await until(lambda: len(forwarder.failed) >= 4 * 3, 40)
        assert all(exc.retryable for exc in forwarder.failed), forwarder.failed
        assert forwarder.done == [0]
        await kafka_cluster.start()
        await until(lambda: sorted(set(forwarder.done)) == [0, 1, 2, 3], 40)
        assert await letters_in(messaging, topic) == 0


async def test_F22_two_of_three_are_dead(kafka_cluster: KafkaCluster, group: str) -> None:
    """Nothing is acknowledged, nothing dead-lettered; when they are back all is handled."""
    handler = Collector()

    async with (
        kafka_cluster.topic() as topic,
        make_messaging(kafka_cluster.url, group) as messaging,
    ):
        await messaging.subscribe(topic, handler)
        await messaging.publish(topic, 0)
        await until(lambda: handler.ended == [0], PATIENCE)
        left = kafka_cluster.leader_of(topic)

        for node in kafka_cluster.nodes:
            if node is not left:
                node.kill()

        with (
            deadline(DEADLINE),
            within(DEADLINE + SLACK),
            pytest.raises(InfrastructureError) as caught,
        ):
            await messaging.publish(topic, 1)

        assert caught.value.retryable
        await kafka_cluster.start()

        with within(HEALED):
            await messaging.publish(topic, 2)

        await until(lambda: 2 in handler.ended, 40)
        assert await letters_in(messaging, topic) == 0

    # Its outcome was unknown: it may be there.
    assert set(handler.ended) <= {0, 1, 2}


@pytest.mark.parametrize("create_topics", [False, True])
async def test_F22_a_topic_that_is_deleted(
    kafka: KafkaEndpoint, make: Make, *, create_topics: bool
) -> None:
    """Who publishes to it is told; others go on; made again, by us perhaps, its group goes on too."""
    gone, stays, admin = Collector(), Collector(), kafka.admin()

    async with (
        kafka.topic() as other,
        kafka.topic() as topic,
        make(create_topics=create_topics, librdkafka=AT_ONCE) as messaging,
    ):
        await messaging.subscribe(topic, gone)
        await messaging.subscribe(other, stays)
        await messaging.publish_many(topic, range(3))
        await until(lambda: gone.ended == [0, 1, 2], PATIENCE)
        admin.delete_topics([topic], operation_timeout=5)[topic].result(PATIENCE)
        await until(lambda: topic not in admin.list_topics(timeout=5).topics)

        with pytest.raises(OperationError, match=r"UNKNOWN_(TOPIC|PARTITION)") as caught:
            await messaging.publish(topic, 3)

        assert caught.value.outcome == "not_applied"
        await messaging.publish(other, 3)
        await until(lambda: stays.ended == [3], PATIENCE)

        if not create_topics:
            with pytest.raises(OperationError, match="there is no topic"):
                await messaging.publish(topic, 4)

            admin.create_topics([NewTopic(topic, 1)])[topic].result(PATIENCE)
            await until(lambda: admin.list_topics(topic, timeout=5).topics[topic].partitions)

        await messaging.publish(topic, 5)
        await until(lambda: gone.ended == [0, 1, 2, 5], PATIENCE)


async def test_F22_a_wrong_password(start_kafka: Start, group: str) -> None:
    """It is a matter of configuration, told at once, without the password; the right one works."""
    server = await start_kafka(KafkaServer(sasl=Sasl()))
    assert server.sasl is not None
    mechanism = server.sasl.mechanism
    wrong = server.url.replace(server.sasl.password, "s3cret")

    async with nothing_left():
        messaging = make_messaging(wrong, group, sasl_mechanism=mechanism, deadline=5)

        with within(5 + SLACK), pytest.raises(ConfigurationError) as caught:
            await messaging.connect()

        assert caught.value.outcome == "not_applied"
        assert "s3cret" not in f"{caught.value!r} {caught.value} {messaging!r}"
        other = make_messaging(server.url, group, sasl_mechanism="SCRAM-SHA-512", deadline=5)

        with within(5 + SLACK), pytest.raises(ConfigurationError):
            await other.connect()

    handler = Collector()

    async with (
        server.topic() as topic,
        make_messaging(server.url, group, sasl_mechanism=mechanism) as messaging,
    ):
        await messaging.subscribe(topic, handler)
        await messaging.publish(topic, 1)
        await until(lambda: handler.ended == [1], PATIENCE)
