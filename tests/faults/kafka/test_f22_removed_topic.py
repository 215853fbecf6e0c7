"""F22: a topic is removed while messages are on their way to it."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import OperationError
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .._watch import nothing_left
from ._messagings import fresh, logged, make_messaging

pytestmark = pytest.mark.slow

BACKOFF = 0.5
"""Seconds after which the driver repeats what a broker refused: so many that a busy machine keeps the
order of what is told meanwhile. It draws up to a fifth more or less."""


async def test_F22_what_is_repeated_when_its_topic_goes_is_told_so(
    broker: KafkaServer, proxy: ChaosProxy
) -> None:
    """That it was removed, and nobody knows the outcome; the next publish looks, and makes it again."""
    topic, admin = fresh(), broker.admin()
    # Its connection to the controller would count as left behind.
    admin.describe_cluster().result(5)
    # Else the driver believes in a young topic for two seconds.
    options = {"topic.metadata.propagation.max.ms": 0, "retry.backoff.ms": round(1000 * BACKOFF)}

    async with (
        nothing_left(),
        make_messaging(proxy, deadline=10, create_topics=True, librdkafka=options) as messaging,
    ):
        await messaging.publish(topic, "before")
        admin.delete_topics([topic], operation_timeout=5)[topic].result(5)
        await until(lambda: topic not in admin.list_topics(timeout=5).topics)
        # While the repetition is on its way the driver learns that there is no such topic.
        proxy.delay(2 * BACKOFF, "to_client")
        lost = [asyncio.ensure_future(messaging.publish(topic, number)) for number in range(3)]
        ends = await asyncio.gather(*lost, return_exceptions=True)
        assert {type(end) for end in ends} == {OperationError}
        told = {(str(end), getattr(end, "outcome", None)) for end in ends}
        text = f"publish to {topic}: the topic was removed while the message was on its way"
        assert told == {(text, "unknown")}
        proxy.heal()
        await messaging.publish(topic, "after")
        assert [payload for _, payload in logged(broker, topic)] == ["after"]
        admin.delete_topics([topic], operation_timeout=5)[topic].result(5)
