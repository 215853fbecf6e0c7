"""F6: one of three brokers is silent: what others lead is published as if nothing were."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from confluent_kafka.admin import NewTopic

from infrastructure import InfrastructureError, Message, deadline
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_cluster import KafkaCluster
from ...servers.waiting import until
from .._timing import within
from .._watch import nothing_left
from ._messagings import fresh

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

COUNT = 200


@pytest.fixture
async def two(kafka_cluster: KafkaCluster) -> AsyncIterator[tuple[str, str]]:
    """Give two topics of one partition, each with one copy, on different brokers."""
    living, silent = fresh(), fresh()
    admin = kafka_cluster.nodes[0].admin()
    placed = [
        NewTopic(name, 1, replica_assignment=[[number]])
        for name, number in ((living, 1), (silent, 2))
    ]

    for made in admin.create_topics(placed).values():
        made.result(10)

    await until(lambda: kafka_cluster.leader_of(living) and kafka_cluster.leader_of(silent))
    yield living, silent
    await kafka_cluster.start()

    for removed in admin.delete_topics([living, silent]).values():
        removed.result(10)


async def lasting(messaging: KafkaMessaging, topic: str, after: float) -> None:
    """Publish to a silent leader all the time; each of them at other moments."""
    await asyncio.sleep(after)

    while True:
        try:
            with deadline(0.2):
                await messaging.publish(topic, Message("lost", key="a"))
        except InfrastructureError:
            pass


async def timed(messaging: KafkaMessaging, topic: str) -> float:
    """Return how long messages take that follow one another."""
    began = time.monotonic()

    for number in range(COUNT):
        await messaging.publish(topic, Message(number, key="a"))

    return time.monotonic() - began


def held_up(usual: float) -> float:
    """Return the seconds for which others may hold up as many messages, which usually take so long.

    A batch that waits for its leader holds up others for four times what the last one took, 10 to
    50 ms; young ones come all the time here. Where it was always 50 ms, it was 7.6 s.
    """
    return COUNT * min(0.05, max(0.01, 4 * usual / COUNT))


async def test_F6_living_leaders_are_not_waited_for(
    kafka_cluster: KafkaCluster, two: tuple[str, str]
) -> None:
    """However many messages wait for the silent one."""
    living, silent = two

    async with (
        nothing_left(),
        KafkaMessaging(kafka_cluster.url, group_id=fresh(), deadline=5.0) as messaging,
    ):
        await messaging.publish(silent, "before")
        await timed(messaging, living)
        usual = await timed(messaging, living)
        kafka_cluster.leader_of(silent).freeze()
        publishing = [asyncio.ensure_future(lasting(messaging, silent, n / 100)) for n in range(20)]
        publisher = messaging._publisher
        assert publisher is not None
        # Each of them has one on its way.
        await until(lambda: len(publisher._batches) >= len(publishing))

        try:
            # Before the others notice, and choose another leader.
            with within(3 * usual + held_up(usual)):
                await timed(messaging, living)
        finally:
            for each in publishing:
                each.cancel()

            await asyncio.wait(publishing)


async def test_F6_one_that_stays_away_keeps_nobody_in_an_outage(
    kafka_cluster: KafkaCluster, two: tuple[str, str]
) -> None:
    """All were away, and the first message that waits is one for the broker that does not come back."""
    living, silent = two
    first, _, third = kafka_cluster.nodes

    async with (
        nothing_left(),
        KafkaMessaging(kafka_cluster.url, group_id=fresh(), deadline=60.0) as messaging,
    ):
        await messaging.publish(silent, "before")
        await messaging.publish(living, "before")
        publisher = messaging._publisher
        assert publisher is not None

        for node in kafka_cluster.nodes:
            node.kill()

        await until(lambda: publisher._outage.is_open)
        lost = [asyncio.ensure_future(messaging.publish(silent, n)) for n in range(3)]
        await asyncio.sleep(0)
        wanted = asyncio.ensure_future(messaging.publish(living, "after"))
        await asyncio.gather(first.start(), third.start())

        async with asyncio.timeout(10):
            await wanted

        assert not any(each.done() for each in lost)

        for each in lost:
            each.cancel()
