"""A Kafka of our own keeps what it acknowledged, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from infrastructure.testing import ChaosProxy

from ..faults._timing import within
from . import kafka_program, shared
from .kafka_endpoint import KafkaEndpoint
from .kafka_messages import read, send
from .kafka_server import KafkaServer
from .ports import HOST, free_port
from .waiting import until

pytestmark = pytest.mark.slow

NUMBERS = [str(number) for number in range(100)]


async def test_what_was_sent_is_read(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """In the order of its one partition, by a group."""
    assert send(kafka.producer(), kafka_topic, NUMBERS) == NUMBERS

    with closing(kafka.consumer(kafka_topic)) as consumer:
        assert read(consumer, kafka_topic, len(NUMBERS)) == NUMBERS


async def test_a_group_goes_on_where_it_committed(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Its next member, at once: no other one is waited for."""
    send(kafka.producer(), kafka_topic, NUMBERS)

    with closing(kafka.consumer(kafka_topic)) as first:
        assert read(first, kafka_topic, 10) == NUMBERS[:10]
        first.commit(asynchronous=False)

    # A broker with its usual settings would look out for others for three seconds.
    with closing(kafka.consumer(kafka_topic)) as second, within(2.5):
        assert read(second, kafka_topic, 1) == NUMBERS[10:11]


async def test_no_topic_is_made_by_itself(kafka: KafkaEndpoint, kafka_topic: str) -> None:
    """Who writes to an unknown one is told."""
    shared.needs_kafka()
    # Else the client asks for half a minute whether there is one now.
    at_once = {"topic.metadata.propagation.max.ms": 0}

    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
        send(kafka.producer(at_once), f"{kafka_topic}-other", ["1"])


async def test_a_topic_is_gone_with_its_block(kafka: KafkaEndpoint) -> None:
    """It has the partitions and settings that were asked for, and a name of its own."""
    admin = kafka.admin()

    async with kafka.topic(3, {"retention.ms": "1000"}) as one, kafka.topic() as other:
        topics = admin.list_topics(timeout=5).topics
        assert (len(topics[one].partitions), len(topics[other].partitions)) == (3, 1)

    # A broker hears of it a moment after its controller.
    await until(lambda: not {one, other} & set(admin.list_topics(timeout=5).topics))


async def test_a_crash_loses_nothing_acknowledged(private_kafka: KafkaServer) -> None:
    """After ``kill -9`` in the middle it has on the same port what it had, and takes more."""
    async with private_kafka.topic() as topic:
        producer = private_kafka.producer()
        assert send(producer, topic, NUMBERS[:50]) == NUMBERS[:50]
        private_kafka.kill()
        assert not private_kafka.is_running
        await private_kafka.start()
        assert send(producer, topic, NUMBERS[50:]) == NUMBERS[50:]

        with closing(private_kafka.consumer("readers")) as consumer:
            assert read(consumer, topic, len(NUMBERS)) == NUMBERS


async def test_a_restart_keeps_messages_and_commits(private_kafka: KafkaServer) -> None:
    """A group goes on after it."""
    async with private_kafka.topic() as topic:
        send(private_kafka.producer(), topic, NUMBERS)

        with closing(private_kafka.consumer("readers")) as consumer:
            assert read(consumer, topic, 10) == NUMBERS[:10]
            consumer.commit(asynchronous=False)

        await private_kafka.restart()

        with closing(private_kafka.consumer("readers")) as consumer:
            assert read(consumer, topic, 1) == NUMBERS[10:11]


async def test_a_frozen_one_answers_later(private_kafka: KafkaServer) -> None:
    """Its sockets stay open; what was sent meanwhile is acknowledged when it is thawed."""
    async with private_kafka.topic() as topic:
        producer = private_kafka.producer()
        send(producer, topic, ["before"])
        private_kafka.freeze()
        assert private_kafka.is_frozen
        producer.produce(topic, b"meanwhile")
        assert producer.flush(0.5) == 1
        private_kafka.thaw()
        assert producer.flush(20) == 0

        with closing(private_kafka.consumer("readers")) as consumer:
            assert read(consumer, topic, 2) == ["before", "meanwhile"]


async def test_a_client_stays_behind_the_proxy(
    start_kafka: Callable[[KafkaServer], Awaitable[KafkaServer]],
) -> None:
    """Who came by the proxy is told to come by it again, and is cut off with it; others are not."""
    port = free_port()
    server = await start_kafka(KafkaServer(proxy=port))
    assert server.proxied_port is not None

    async with ChaosProxy((HOST, server.proxied_port), port=port) as proxy, server.topic() as topic:
        behind = {"bootstrap.servers": f"{HOST}:{port}", "message.timeout.ms": 2000}
        producer = server.producer(behind)
        assert await asyncio.to_thread(send, producer, topic, ["1"]) == ["1"]
        # The first connection asks where the broker is, the next one takes the message there.
        assert proxy.accepted >= 2
        assert proxy.bytes_to_server > 0
        seen = proxy.bytes_to_server
        assert await asyncio.to_thread(send, server.producer(), topic, ["2"]) == ["2"]
        assert proxy.bytes_to_server == seen
        proxy.black_hole()

        with pytest.raises(KafkaException, match="_MSG_TIMED_OUT"):
            await asyncio.to_thread(send, producer, topic, ["3"])

        assert await asyncio.to_thread(send, server.producer(), topic, ["4"]) == ["4"]


async def test_nothing_is_left_behind() -> None:
    """Neither its folder nor its process, nor a file beside it."""
    before = set(Path("/tmp").iterdir())  # noqa: S108 - where a JVM would write

    async with KafkaServer() as server, server.topic() as topic:
        send(server.producer({"compression.type": "zstd"}), topic, NUMBERS)
        folder, pid = server.folder, server.process.pid
        assert folder.is_dir()

    assert not server.is_running
    assert not folder.exists()
    # In the JVM's way of naming them.
    left = {path.name for path in set(Path("/tmp").iterdir()) - before}  # noqa: S108
    assert not [name for name in left if str(pid) in name or name.startswith(("libzstd", "snappy"))]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_machine_without_java_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install it, or name a broker; the other half of it is Maven."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(RuntimeError, match=r"needs java.*install Java 17.*KAFKA_BOOTSTRAP_SERVERS"):
        KafkaServer()

    with pytest.raises(RuntimeError, match=r"needs mvn.*Maven"):
        kafka_program.maven()


def test_another_broker_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment: then none is started."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2")
    found = shared.kafka.__wrapped__()
    assert type(found) is KafkaEndpoint
    assert (found.bootstrap, found.url) == ("a:1,b:2", "kafka://a:1,b:2")
