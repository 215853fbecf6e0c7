"""A Kafka cluster of our own goes on without one of its brokers."""

from __future__ import annotations

from contextlib import closing

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from .kafka_cluster import KafkaCluster
from .kafka_messages import read, send

pytestmark = pytest.mark.slow

NUMBERS = [str(number) for number in range(60)]


async def test_a_message_has_three_copies(kafka_cluster: KafkaCluster) -> None:
    """Of which two must be written before it is acknowledged."""
    admin = kafka_cluster.admin()

    async with kafka_cluster.topic(3) as topic:
        partitions = admin.list_topics(topic, timeout=5).topics[topic].partitions.values()
        assert [sorted(one.replicas) for one in partitions] == [[1, 2, 3]] * 3
        resource = ConfigResource(ResourceType.TOPIC, topic)
        told = admin.describe_configs([resource])[resource].result(5)
        assert told["min.insync.replicas"].value == "2"


async def test_it_goes_on_without_a_killed_broker(kafka_cluster: KafkaCluster) -> None:
    """Another one leads its partitions: what was acknowledged before, then and later is read in order."""
    async with kafka_cluster.topic() as topic:
        producer = kafka_cluster.producer()
        assert send(producer, topic, NUMBERS[:20]) == NUMBERS[:20]
        lost = kafka_cluster.leader_of(topic)
        lost.kill()
        assert send(producer, topic, NUMBERS[20:40]) == NUMBERS[20:40]
        await kafka_cluster.settle()
        assert kafka_cluster.leader_of(topic) is not lost
        await kafka_cluster.start()
        assert lost.is_running
        assert send(producer, topic, NUMBERS[40:]) == NUMBERS[40:]

        with closing(kafka_cluster.consumer(topic)) as consumer:
            assert read(consumer, topic, len(NUMBERS)) == NUMBERS


async def test_a_frozen_broker_is_replaced(kafka_cluster: KafkaCluster) -> None:
    """New clients find the other leader; thawed it follows."""
    async with kafka_cluster.topic() as topic:
        lost = kafka_cluster.leader_of(topic)
        lost.freeze()
        await kafka_cluster.settle()
        others = [node.bootstrap for node in kafka_cluster.nodes if node is not lost]
        producer = kafka_cluster.producer({"bootstrap.servers": ",".join(others)})
        assert send(producer, topic, NUMBERS) == NUMBERS
        assert kafka_cluster.leader_of(topic) is not lost
        await kafka_cluster.start()
        assert not lost.is_frozen


async def test_one_of_three_acknowledges_nothing(kafka_cluster: KafkaCluster) -> None:
    """Two copies would have to be written; when the others are back it has what it had."""
    async with kafka_cluster.topic() as topic:
        send(kafka_cluster.producer(), topic, NUMBERS)
        first, second, _ = kafka_cluster.nodes
        first.kill()
        second.kill()

        with pytest.raises(KafkaException):
            send(kafka_cluster.producer({"message.timeout.ms": 3000}), topic, ["lost"])

        await kafka_cluster.start()

        with closing(kafka_cluster.consumer(topic)) as consumer:
            assert read(consumer, topic, len(NUMBERS)) == NUMBERS


async def test_nothing_is_left_of_a_cluster() -> None:
    """Its folders and processes are gone with its block."""
    async with KafkaCluster() as cluster:
        assert cluster.url == f"kafka://{cluster.bootstrap}"
        assert cluster.bootstrap.count("127.0.0.1:") == 3
        assert all(node.is_running for node in cluster.nodes)

    assert not any(node.is_running or node.folder.exists() for node in cluster.nodes)
