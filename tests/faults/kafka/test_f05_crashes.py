"""F5: the broker is killed and started again, under publishers."""

from __future__ import annotations

import pytest

from infrastructure.conformance._stopwatch import Stopwatch

from ...servers.kafka_cluster import KafkaCluster
from ...servers.kafka_server import KafkaServer
from .._inbox import Inbox
from .._timing import HEALED, SOAK, healed
from .._watch import nothing_left
from ._messagings import Note, logged, make_messaging
from ._publishers import Publishers

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

CYCLES = 10 if SOAK else 1
DEADLINE = 1.0
FAILOVER = 15.0
"""Seconds that three brokers have to agree on other leaders, and a message to be acknowledged."""


async def test_F5_no_acknowledged_message_is_missing(
    broker: KafkaServer, topic: str, record_property: Note
) -> None:
    """Kill after kill: acknowledged is stored, denied is not, nothing twice, all in order; it goes on in 1 s."""
    slowest = 0.0

    async with nothing_left():
        async with make_messaging(broker, deadline=DEADLINE) as messaging:
            publishers = Publishers(messaging, topic, deadline=DEADLINE)

            for _ in range(CYCLES):
                await publishers.more(500)
                broker.kill()
                await broker.start()
                watch = Stopwatch()
                await publishers.more(1)
                slowest = max(slowest, watch.taken)
                assert slowest <= HEALED
                await publishers.all_again()

            await publishers.stop()
            # Behind all that is still on its way.
            await messaging.publish(topic, 1)

        publishers.check([entry for entry in logged(broker, topic) if entry[0] is not None])

    record_property("kills", CYCLES)
    record_property("acknowledged messages", len(publishers.acknowledged))
    record_property("failed publishes", len(publishers.errors))
    record_property("first one after the broker was back, slowest (s)", round(slowest, 3))


async def test_F5_an_idle_messaging_works_at_once_with_the_new_broker(
    broker: KafkaServer, topic: str
) -> None:
    """Nobody asked while it was away: the first publish finds out, and succeeds; its subscriber gets it."""
    async with make_messaging(broker, deadline=DEADLINE) as messaging:
        inbox = Inbox()
        await messaging.subscribe(topic, inbox)
        await messaging.publish(topic, "before")
        await inbox.wait_for("before")
        broker.kill()
        await broker.start()

        with healed():
            await messaging.publish(topic, "after")

        await inbox.wait_for("after")


async def test_F5_publishers_go_on_without_one_of_three_brokers(
    kafka_cluster: KafkaCluster, record_property: Note
) -> None:
    """The leader is killed under load: nothing acknowledged is lost, nobody is even told of it."""
    async with kafka_cluster.topic(6) as topic, nothing_left():
        url = kafka_cluster.nodes[0]

        async with make_messaging(url, deadline=FAILOVER) as messaging:
            publishers = Publishers(messaging, topic, deadline=FAILOVER)

            for _ in range(1 if not SOAK else 5):
                await publishers.more(500)
                lost = kafka_cluster.leader_of(topic)
                lost.kill()
                await publishers.all_again(FAILOVER)
                await kafka_cluster.start()
                assert lost.is_running
                await publishers.all_again(FAILOVER)

            await publishers.stop()

        publishers.check(logged(kafka_cluster, topic))

    assert publishers.errors == []
    record_property("acknowledged messages, with brokers lost", len(publishers.acknowledged))
