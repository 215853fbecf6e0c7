"""Which partitions messages without a key go to, by themselves and on a real broker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from infrastructure.interfaces.exceptions import ValidationError
from infrastructure.messaging.kafka._publisher import Publisher
from infrastructure.messaging.kafka._spread import DRIVER, Spread

from ...faults._watch import nothing_left
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_server import KafkaServer
from .kafka_bench import FOR_EVER, new_group, publishing

PARTITIONS = 4


def send(publisher: Publisher, topic: str, payload: bytes = b"") -> asyncio.Future[None]:
    """Send a message without a key."""
    return publisher.send(topic, None, payload, [], FOR_EVER)


async def all_known(publisher: Publisher, topic: str) -> None:
    """Publish until the driver has chosen each partition once."""
    while len(publisher._spread._free.get(topic, ())) < PARTITIONS:
        await send(publisher, topic)


def counts(endpoint: KafkaEndpoint, topic: str) -> list[int]:
    """Return how many messages each partition has."""
    with closing(endpoint.consumer(new_group())) as consumer:
        numbers = consumer.list_topics(topic, 10).topics[topic].partitions
        partitions = [TopicPartition(topic, number) for number in numbers]
        return [consumer.get_watermark_offsets(each, timeout=10)[1] for each in partitions]


def taken(spread: Spread, count: int, topic: str = "t") -> list[int]:
    """Return what so many batches get, each of which is acknowledged before the next."""
    found = []

    for _ in range(count):
        found.append(spread.take(topic))
        spread.returned({topic: found[-1]})

    return found


def known(numbers: Iterable[int], **configuration: str) -> Spread:
    """Return one to which these have answered, for topic ``t``."""
    spread = Spread(configuration)

    for number in numbers:
        spread.returned({"t": number})

    return spread


class TestSpread:
    """Without a broker."""

    def test_those_that_answered_take_turns(self) -> None:
        """Now and then the driver chooses: there may be new ones."""
        found = Counter(taken(known(range(3)), 80))
        assert found == {DRIVER: 10, 0: 24, 1: 23, 2: 23}

    def test_one_with_a_batch_on_its_way_gets_no_other(self) -> None:
        """Without a free one the driver chooses."""
        spread = known(range(2))
        assert [spread.take("t") for _ in range(4)] == [0, 1, DRIVER, DRIVER]
        spread.returned({"t": 1})
        assert spread.take("t") == 1

    def test_one_that_the_driver_chose_meanwhile_is_known_once(self) -> None:
        """It was free already."""
        spread = known([0, 0])
        assert [spread.take("t") for _ in range(2)] == [0, DRIVER]

    def test_topics_know_nothing_of_each_other(self) -> None:
        """Nor do they once one of them is forgotten."""
        spread = known([0])
        assert spread.take("other") == DRIVER
        assert not spread.forget("other")
        assert spread.forget("t")
        assert spread.take("t") == DRIVER

    @pytest.mark.parametrize("partitioner", ["consistent", "murmur2", "fnv1a"])
    def test_partitioners_that_choose_one_for_all_do(self, partitioner: str) -> None:
        """The user wants that; there is nothing of ours to be forgotten."""
        spread = known([0], partitioner=partitioner)
        assert set(taken(spread, 20)) == {DRIVER}
        assert not spread.forget("t")

    def test_without_stickiness_each_message_has_its_own(self) -> None:
        """The user wants that, too."""
        each: dict[str, Any] = {"sticky.partitioning.linger.ms": 0}
        assert set(taken(known([0], **each), 20)) == {DRIVER}

    def test_others_leave_it_open(self) -> None:
        """Only the messages with a key are theirs."""
        assert 0 in taken(known([0], partitioner="murmur2_random"), 20)


@pytest.mark.slow
async def test_batches_without_a_key_go_everywhere(kafka: KafkaEndpoint) -> None:
    """As many to each partition, once all of them are known."""
    async with nothing_left(), kafka.topic(PARTITIONS) as topic, publishing(kafka) as publisher:
        await all_known(publisher, topic)
        before = counts(kafka, topic)

        for _ in range(80):
            await send(publisher, topic)

        after = counts(kafka, topic)
        more = [new - old for new, old in zip(after, before, strict=True)]
        # One batch of eight is the driver's, who may choose the same partition each time.
        assert min(more) >= 80 * 7 // 8 // PARTITIONS - 1


@pytest.mark.slow
async def test_two_batches_are_for_two_partitions(private_kafka: KafkaServer) -> None:
    """Neither waits for the other."""
    async with (
        nothing_left(),
        private_kafka.topic(PARTITIONS) as topic,
        publishing(private_kafka) as publisher,
    ):
        await all_known(publisher, topic)
        publisher._spread._turns[topic] = 0
        private_kafka.freeze()
        answers = []

        while len(publisher._batches) < 2:
            answers.append(send(publisher, topic))
            await asyncio.sleep(0)

        [one], [other] = (batch.partitions.values() for batch in publisher._batches)
        assert DRIVER not in (one, other)
        assert one != other
        assert publisher._spread._free[topic]

        # The two are late, and with them perhaps all of that broker.
        while len(publisher._batches) < 3:
            answers.append(send(publisher, topic))
            await asyncio.sleep(0)

        assert [*publisher._batches][-1].partitions == {topic: DRIVER}
        assert topic not in publisher._spread._free
        private_kafka.thaw()
        await asyncio.gather(*answers)


@pytest.mark.slow
async def test_a_partition_that_is_not_there_any_more(
    kafka: KafkaEndpoint, kafka_topic: str
) -> None:
    """The topic was made anew: the message goes to one that is."""
    async with nothing_left(), publishing(kafka) as publisher:
        await send(publisher, kafka_topic)
        spread = publisher._spread
        spread.forget(kafka_topic)
        spread.returned({kafka_topic: PARTITIONS})
        await send(publisher, kafka_topic)
        assert PARTITIONS not in spread._free[kafka_topic]

    assert counts(kafka, kafka_topic)[0] == 2


@pytest.mark.slow
async def test_one_that_refused_a_message_is_left_to_the_driver(kafka: KafkaEndpoint) -> None:
    """It is ours again when it has taken one."""
    limit = {"max.message.bytes": "1000"}

    async with (
        nothing_left(),
        kafka.topic(config=limit) as topic,
        publishing(kafka) as publisher,
    ):
        await send(publisher, topic)
        assert [*publisher._spread._free[topic]] == [0]

        with pytest.raises(ValidationError, match="MSG_SIZE_TOO_LARGE"):
            await send(publisher, topic, payload=bytes(2000))

        assert not publisher._spread._free[topic]
        await send(publisher, topic)
        assert [*publisher._spread._free[topic]] == [0]
