"""Subscriptions to topics that somebody removes, or takes the right to."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from infrastructure import OperationError
from infrastructure.messaging.kafka import KafkaMessaging

from ...faults._inbox import Inbox
from ...faults._timing import within
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.waiting import until
from .kafka_bench import connected
from .test_kafka_rights import grant, guarded, take

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("slow_machine")]

WINDOW = 20
JOINING = 15.0
"""Seconds in which a group of one member assigns its partitions a few times."""


def owned(messaging: KafkaMessaging) -> set[str]:
    """Return the topics of which the member has a partition."""
    member = messaging._member
    assert member is not None
    assert member._reader is not None
    return {partition.topic for partition in member._reader.assigned}


async def removed(endpoint: KafkaEndpoint, topic: str) -> None:
    """Remove a topic, and return when the brokers do not know it any more."""
    admin = endpoint.admin()
    admin.delete_topics([topic], operation_timeout=5)[topic].result(5)
    await until(lambda: topic not in endpoint.topics())


async def test_a_topic_that_was_removed_is_left_at_once(kafka: KafkaEndpoint) -> None:
    """The group is not asked anew for its sake; and it can be subscribed again when it is there."""
    inbox, other = Inbox(), Inbox()

    async with (
        kafka.topic() as kept,
        kafka.topic() as gone,
        kafka.topic() as third,
        connected(kafka, dead_letters=False, create_topics=True) as messaging,
    ):
        await messaging.subscribe(kept, other)
        await messaging.subscribe(gone, inbox)
        await removed(kafka, gone)
        await until(lambda: owned(messaging) == {kept})

        with within(2):
            await messaging.unsubscribe(gone)

        # Nor does who comes next wait for an answer that nobody gives.
        with within(4):
            await messaging.subscribe(third, other)

        await messaging.publish(kept, 1)
        await messaging.publish(third, 3)
        await other.wait_for(1)
        await other.wait_for(3)

        with within(JOINING):
            await messaging.subscribe(gone, inbox)
            await messaging.publish(gone, 2)
            await inbox.wait_for(2)


async def test_a_topic_that_was_there_once_is_looked_for_again(kafka: KafkaEndpoint) -> None:
    """Whoever subscribes it is told that it is missing."""
    async with kafka.topic() as topic, connected(kafka, dead_letters=False) as messaging:
        await messaging.subscribe(topic, Inbox())
        await messaging.unsubscribe(topic)
        await removed(kafka, topic)

        with pytest.raises(OperationError, match="there is no topic"):
            await messaging.subscribe(topic, Inbox())


async def test_a_topic_that_may_not_be_read_any_more_holds_up_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither those that are read, of whose messages it is committed with, nor one that is subscribed."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(guarded())
        one, two, three = [await stack.enter_async_context(server.topic()) for _ in range(3)]
        await grant(server, ResourceType.GROUP, "readers", AclOperation.READ)

        for topic in (one, two, three):
            await grant(server, ResourceType.TOPIC, topic, AclOperation.READ, AclOperation.WRITE)

        messaging = await stack.enter_async_context(
            connected(server, group_id="readers", dead_letters=False, window=WINDOW)
        )
        inbox, held, late = Inbox(), Inbox(held=True), Inbox()
        await messaging.subscribe(one, inbox)
        await messaging.subscribe(two, held)
        await messaging.publish(two, 0)
        await held.begun.wait()
        await take(server, ResourceType.TOPIC, two, AclOperation.READ)
        # In one commit with what follows.
        held.let_go_soon()
        await messaging.publish_many(one, range(WINDOW))
        await until(lambda: f"a commit of {two} failed" in caplog.text)
        await messaging.publish_many(one, range(WINDOW, 10 * WINDOW))
        await inbox.wait_for(10 * WINDOW - 1)

        with within(JOINING):
            await messaging.subscribe(three, late)

        await messaging.publish(three, 1)
        await late.wait_for(1)
