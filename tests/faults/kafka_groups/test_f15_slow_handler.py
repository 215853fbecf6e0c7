"""F15: a handler that is slower than its messages come: what is held is bounded, others go on."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from ._load import Offsets
from ._making import PATIENCE, Collector, Make, held

pytestmark = pytest.mark.slow

HOLDING = Path(__file__).with_name("holding.py")
WINDOW = 100
BOUND = 64 * 2**20


def send(
    kafka: KafkaEndpoint, topic: str, partition: int, key: str | None, payloads: list[bytes]
) -> None:
    """Publish to a partition, as another program would."""
    producer = kafka.producer()

    for payload in payloads:
        producer.produce(topic, payload, key, partition=partition)

    assert producer.flush(PATIENCE) == 0


def numbered(word: str, count: int) -> list[bytes]:
    """Return so many payloads that tell themselves apart."""
    return [f"{word} {number}".encode() for number in range(count)]


async def test_F15_a_full_partition_is_paused_alone(
    kafka: KafkaEndpoint, make: Make, group: str
) -> None:
    """The other partition and the other topic are handled to their ends; then it goes on, in order."""
    slow, quick, elsewhere = numbered("slow", 1500), numbered("quick", 1500), numbered("else", 300)
    handler, other = Collector(lambda payload: payload.startswith(b"slow")), Collector()

    async with kafka.topic(2) as topic, kafka.topic() as another:
        send(kafka, topic, 0, "slow", slow)
        send(kafka, topic, 1, "quick", quick)

        async with make(window=WINDOW) as messaging:
            await messaging.subscribe(topic, handler)
            await messaging.subscribe(another, other)
            await until(lambda: len(handler.ended) == len(quick), PATIENCE)
            send(kafka, another, 0, "else", elsewhere)
            await until(lambda: other.ended == elsewhere, PATIENCE)
            assert handler.ended == quick
            assert [each for each in handler.begun if each.startswith(b"slow")] == slow[:1]
            # Half of the window is each partition's.
            assert held(messaging)[topic, 0] == WINDOW // 2
            handler.go.set()
            await until(lambda: len(handler.ended) == len(quick) + len(slow), PATIENCE)
            assert handler.ended[len(quick) :] == slow

        offsets = Offsets(kafka, group, topic, 2)
        assert offsets.committed() == {0: len(slow), 1: len(quick)}
        offsets.close()


def held_back(messaging: KafkaMessaging) -> int:
    """Return how many messages were fetched for which there is no room."""
    member = messaging._member
    assert member is not None
    assert member._reader is not None
    return sum(len(each.held) for each in member._reader._assigned.values())


async def test_F15_no_more_than_the_window_is_begun(kafka: KafkaEndpoint, make: Make) -> None:
    """While the first message is unfinished, however many others come behind it."""
    payloads = numbered("m", 1000)
    handler = Collector(lambda payload: payload == payloads[0])

    async with kafka.topic() as topic:
        send(kafka, topic, 0, None, payloads)

        async with make(window=WINDOW) as messaging:
            await messaging.subscribe(topic, handler)
            await until(lambda: len(handler.ended) == WINDOW - 1, PATIENCE)
            await until(lambda: held_back(messaging), PATIENCE)
            assert len(handler.begun) == WINDOW
            handler.go.set()
            await until(lambda: len(handler.ended) == len(payloads), PATIENCE)

    assert sorted(handler.begun) == sorted(payloads)


async def test_F15_memory_is_bounded(kafka: KafkaEndpoint, group: str) -> None:
    """A hundred megabytes that wait are not fetched: 64 MiB more than an idle one has, at most."""
    payload = bytes(2048)

    async with kafka.topic(4) as topic:
        for partition in range(4):
            send(kafka, topic, partition, "k", [payload] * 12_500)

        command = [sys.executable, str(HOLDING), kafka.url, topic, group]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
        )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["handled"] > 0
    assert told["peak"] - told["idle"] < BOUND, told
