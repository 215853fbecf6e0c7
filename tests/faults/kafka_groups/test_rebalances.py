"""Partitions move while handlers run; a handler that is slower than the poll interval moves none."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

import pytest

from infrastructure import Message
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST, free_port
from ...servers.waiting import until
from .._sessions import BRIEF, shorten_session
from .._timing import within
from ._load import Offsets
from ._making import PATIENCE, Collector, Make, Start, held, make_messaging

pytestmark = pytest.mark.slow

PARTITIONS = 4
INTERVAL = BRIEF
"""Seconds between two polls that a group allows; the least, for it is not less than a session."""


def send(kafka: KafkaEndpoint, topic: str, word: str, count: int) -> list[bytes]:
    """Publish to each partition so many messages of one key, and return them all."""
    producer = kafka.producer()
    sent = [
        (partition, f"{word} {partition} {number}".encode())
        for number in range(count)
        for partition in range(PARTITIONS)
    ]

    for partition, payload in sent:
        producer.produce(topic, payload, f"k{partition}", partition=partition)

    assert producer.flush(PATIENCE) == 0
    return [payload for _, payload in sent]


def shut(messaging: KafkaMessaging) -> bool:
    """Return whether a member has been told to give some up: it starts nothing new of them."""
    engine = messaging._engine
    assert engine is not None
    return not all(window.open for window in engine._windows.of())


async def test_running_handlers_end_before_their_partition_goes(
    kafka: KafkaEndpoint, make: Make, group: str
) -> None:
    """What runs when another member comes is finished and committed by whoever began it: nothing twice."""
    first, second = Collector(lambda payload: payload.startswith(b"held")), Collector()

    async with kafka.topic(PARTITIONS) as topic:
        offsets = Offsets(kafka, group, topic, PARTITIONS)
        sent = send(kafka, topic, "held", 1)

        async with make() as one, make() as two:
            await one.subscribe(topic, first)
            await until(lambda: len(first.begun) == PARTITIONS, PATIENCE)
            joining = asyncio.ensure_future(two.subscribe(topic, second))
            await until(lambda: shut(one), PATIENCE)
            assert not second.begun
            first.go.set()
            await joining
            await until(lambda: offsets.owners() == 2, PATIENCE)
            sent += send(kafka, topic, "later", 20)
            await until(lambda: len(first.ended) + len(second.ended) == len(sent), PATIENCE)
            await until(offsets.are_at_end)

        offsets.close()

    assert sorted(first.ended + second.ended) == sorted(sent)
    assert sorted(first.begun + second.begun) == sorted(sent)
    assert second.ended
    assert not first.cancelled


async def test_a_handler_beyond_its_grace_is_cancelled(
    kafka: KafkaEndpoint, make: Make, group: str
) -> None:
    """Another member gets its message, as a first attempt; what stayed runs on."""
    first, second = Collector(lambda _: True), Collector()

    async with kafka.topic(PARTITIONS) as topic:
        offsets = Offsets(kafka, group, topic, PARTITIONS)
        sent = send(kafka, topic, "m", 1)

        async with make() as one, make() as two:
            await one.subscribe(topic, first)
            await until(lambda: len(first.begun) == PARTITIONS, PATIENCE)
            await two.subscribe(topic, second)
            await until(lambda: len(second.ended) == PARTITIONS // 2, PATIENCE)
            assert sorted(first.cancelled) == sorted(second.ended)
            assert set(second.attempts) == {1}
            assert not first.ended
            first.go.set()
            await until(lambda: len(first.ended) == PARTITIONS // 2, PATIENCE)
            await until(offsets.are_at_end)
            assert sum(held(one).values()) == sum(held(two).values()) == 0

        offsets.close()

    assert sorted(first.ended + second.ended) == sorted(sent)


async def test_a_commit_on_its_way_delays_no_rebalance(start_kafka: Start, group: str) -> None:
    """Its answer cannot come while partitions are given up: nobody waits for it."""
    port, first, second = free_port(), Collector(), Collector()
    server = await start_kafka(KafkaServer(proxy=port))
    assert server.proxied_port is not None

    async def go_on(messaging: KafkaMessaging, topic: str) -> None:
        for number in itertools.count():
            await messaging.publish(topic, Message(number, key=f"{number}"))

    async with (
        server.topic(PARTITIONS) as topic,
        ChaosProxy((HOST, server.proxied_port), port=port) as proxy,
        make_messaging(f"kafka://{HOST}:{port}", group) as one,
        make_messaging(f"kafka://{HOST}:{port}", group) as two,
        make_messaging(server.url, None) as publisher,
    ):
        await one.subscribe(topic, first)
        task = asyncio.ensure_future(go_on(publisher, topic))
        await until(lambda: len(first.ended) > 100, PATIENCE)
        # Without a pause between two commits, and with answers that take their time, one is always
        # under way.
        engine = one._engine
        assert engine is not None
        engine._windows._commits._interval = 0.0
        proxy.delay(0.1)

        try:
            # A commit's own time is 10 s; to join, a dozen answers that take their time, and handing over.
            with within(12):
                await two.subscribe(topic, second)
                await until(lambda: second.ended, PATIENCE)
        finally:
            task.cancel()
            proxy.heal()
            await asyncio.wait({task})


async def test_a_slow_handler_causes_no_rebalance(kafka: KafkaEndpoint, make: Make) -> None:
    """Twice the poll interval: the driver has counted none, and the message is handled once."""
    rebalances: list[int] = []

    def told(text: str) -> None:
        statistics = json.loads(text)

        if statistics["type"] == "consumer" and "cgrp" in statistics:
            rebalances.append(statistics["cgrp"]["rebalance_cnt"])

    options: dict[str, Any] = {
        "max.poll.interval.ms": int(INTERVAL * 1000),
        "statistics.interval.ms": 100,
        "stats_cb": told,
    }
    slow, other = Collector(lambda _: True), Collector()
    brief = shorten_session(make(librdkafka=options))

    async with kafka.topic() as topic, kafka.topic() as another, brief as one:
        await one.subscribe(topic, slow)
        await one.subscribe(another, other)
        await one.publish(topic, "slow")
        await until(lambda: slow.begun, PATIENCE)
        told_before, began = len(rebalances), time.monotonic()
        await until(lambda: len(rebalances) > told_before, PATIENCE)

        for number in itertools.count():
            await one.publish(another, number)
            await until(lambda: other.ended[-1:] == [number], PATIENCE)  # noqa: B023

            if time.monotonic() > began + 2 * INTERVAL:
                break

        slow.go.set()
        await until(lambda: slow.ended == ["slow"], PATIENCE)
        # It was looked at all the time.
        assert len(rebalances) > told_before + 2 * INTERVAL / 0.5
        assert len(set(rebalances[told_before + 1 :])) == 1

    assert slow.begun == ["slow"]
