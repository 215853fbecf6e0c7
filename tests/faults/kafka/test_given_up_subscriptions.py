"""Subscriptions that were refused or given up: what is left of them, and what becomes of messages."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import OperationError, TimeoutError, deadline
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from .._inbox import Inbox
from .._outcomes import ended
from ._messagings import fresh, make_messaging

pytestmark = pytest.mark.slow


async def test_an_unknown_topic_leaves_nothing(broker: KafkaServer, topic: str) -> None:
    """Neither a topic for its dead letters, nor a subscription that hinders the next connect."""
    unknown = fresh()

    async with make_messaging(broker, dead_letters=True) as messaging:
        with pytest.raises(OperationError, match="there is no topic"):
            await messaging.subscribe(unknown, Inbox())

        await messaging.disconnect()
        await messaging.connect()
        await messaging.publish(topic, "first")

    known = broker.admin().list_topics(timeout=5).topics
    assert not {unknown, f"{unknown}.dlq"} & known.keys()


async def test_two_at_once_both_wait_for_the_group(broker: KafkaServer, topic: str) -> None:
    """Neither returns before the partitions are assigned, though the other one asked for them."""
    async with make_messaging(broker) as messaging:
        one, other = Inbox(), Inbox()
        member = messaging._member
        assert member is not None

        async def subscribe(inbox: Inbox) -> None:
            await messaging.subscribe(topic, inbox)
            assert member._assigned

        await asyncio.gather(subscribe(one), subscribe(other))
        await messaging.publish(topic, "first")
        await asyncio.gather(one.wait_for("first"), other.wait_for("first"))


@pytest.mark.parametrize("then", ["unsubscribe", "another topic", "again"])
async def test_one_that_was_given_up_loses_no_message(
    messaging: KafkaMessaging, broker: KafkaServer, proxy: ChaosProxy, topic: str, then: str
) -> None:
    """Its caller went before the group answered: whoever subscribes later gets all that came since."""
    inbox, again = Inbox(), Inbox()
    proxy.black_hole()

    with deadline(0.3):
        end = await ended(partial(messaging.subscribe, topic, inbox), 0.3)

    assert isinstance(end, TimeoutError)
    proxy.heal()

    async with broker.topic() as second:
        if then == "unsubscribe":
            await messaging.unsubscribe(topic)
        elif then == "another topic":
            await messaging.subscribe(second, Inbox())

        await messaging.publish_many(topic, range(10))
        await messaging.subscribe(topic, again)
        await messaging.publish(topic, "after")
        newest = again if then == "unsubscribe" else inbox
        await newest.wait_for("after")

    assert set(newest.payloads) == {"before", *range(10), "after"}
