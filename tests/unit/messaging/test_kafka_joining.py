"""Subscriptions that are made while the group assigns the topics of others."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from infrastructure.conformance._expect import turns
from infrastructure.messaging.kafka import KafkaMessaging

from ...faults._inbox import Inbox
from ...faults._timing import within
from ...faults._watch import nothing_left
from ...servers.group_requests import group_requests
from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_groups import described
from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .kafka_bench import connected, new_group

pytestmark = pytest.mark.slow

JOINS = "changed join state init -> wait-join"
"""What a driver tells who is ``LOUD``, when it asks the group for partitions."""

LOUD: Any = {"dead_letters": False, "librdkafka": {"debug": "cgrp"}}

JOINING = 10.0
"""Seconds in which a group of one member assigns its partitions a few times."""


def owned(messaging: KafkaMessaging) -> set[str]:
    """Return the topics of which the member has a partition."""
    member = messaging._member
    assert member is not None
    assert member._reader is not None
    return {partition.topic for partition in member._reader.assigned}


def is_stable(admin: AdminClient, group: str) -> bool:
    """Return whether the group has handed out all that there is."""
    return bool(described(admin, group).state == ConsumerGroupState.STABLE)


async def test_topics_that_are_named_while_others_are_assigned(kafka: KafkaEndpoint) -> None:
    """However far the group is with the others: their assignment is not taken for that of these."""
    async with kafka.topic() as one, kafka.topic() as two:
        for after in range(8, 60, 4):
            async with connected(kafka) as messaging:
                member = messaging._member
                assert member is not None
                first = asyncio.ensure_future(member.read([one]))
                await asyncio.sleep(after / 1000)

                with within(JOINING):
                    await member.read([one, two])

                assert owned(messaging) == {one, two}
                await first


async def test_each_waits_for_its_own_topic(kafka: KafkaEndpoint) -> None:
    """Where many are asked for at once."""

    async def subscribe(messaging: KafkaMessaging, topic: str) -> None:
        await messaging.subscribe(topic, Inbox())
        assert topic in owned(messaging)

    async with (
        kafka.topic() as one,
        kafka.topic() as two,
        kafka.topic() as three,
        nothing_left(),
        connected(kafka, dead_letters=False) as messaging,
    ):
        with within(JOINING):
            await asyncio.gather(*(subscribe(messaging, topic) for topic in (one, two, three)))


async def test_one_that_is_taken_back_at_once(kafka: KafkaEndpoint) -> None:
    """While the group assigns it; the other one comes all the same."""
    async with (
        kafka.topic() as one,
        kafka.topic() as two,
        nothing_left(),
        connected(kafka, dead_letters=False) as messaging,
    ):
        inbox = Inbox()
        first = asyncio.ensure_future(messaging.subscribe(one, Inbox()))
        second = asyncio.ensure_future(messaging.subscribe(two, inbox))
        await asyncio.sleep(0.05)

        with within(JOINING):
            await messaging.unsubscribe(one)
            await asyncio.wait({first, second})

        assert owned(messaging) == {two}
        await messaging.publish(two, 1)
        await inbox.wait_for(1)


async def test_one_that_is_taken_back_ends_who_waits_for_it(private_kafka: KafkaServer) -> None:
    """Where the group assigns nothing, since it waits for another: nobody waits for that any more."""
    group = new_group()

    async with (
        private_kafka.topic() as one,
        group_requests(private_kafka.host, private_kafka.port, group) as slow,
        connected(private_kafka, group_id=group, dead_letters=False) as messaging,
    ):
        other = await slow.join()
        joining = asyncio.ensure_future(messaging.subscribe(one, Inbox()))
        await until(lambda: one in messaging._joined)

        with within(JOINING):
            await messaging.unsubscribe(one)
            await joining

        await slow.leave(other)


async def test_a_topic_that_was_being_left_is_not_joined_by_the_next_connect(
    kafka: KafkaEndpoint,
) -> None:
    """A disconnect that was forced cut it short: its messages wait for whoever subscribes to it next."""
    async with kafka.topic() as left, kafka.topic() as stays, connected(kafka) as messaging:
        held, inbox, again = Inbox(held=True), Inbox(), Inbox()
        await messaging.subscribe(left, held)
        await messaging.subscribe(stays, inbox)
        await messaging.publish(left, "first")
        await held.begun.wait()
        leaving = asyncio.ensure_future(messaging.unsubscribe(left))
        closing = asyncio.ensure_future(messaging.disconnect())
        # Both wait for the handler.
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({leaving, closing})

        await messaging.connect()
        assert owned(messaging) == {stays}
        await messaging.publish(left, "second")
        await messaging.publish(stays, "second")
        await inbox.wait_for("second")
        await messaging.subscribe(left, again)
        await again.wait_for("second")
        assert again.payloads == ["first", "second"]


async def test_a_topic_that_is_subscribed_while_it_is_left(
    private_kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The group must have taken it before it is named again: else it keeps what nobody reads."""
    group, first, inbox = new_group(), Inbox(), Inbox()

    async with (
        private_kafka.topic() as one,
        private_kafka.topic() as two,
        group_requests(private_kafka.host, private_kafka.port, group) as slow,
        connected(private_kafka, group_id=group, **LOUD) as messaging,
    ):
        await messaging.subscribe(one, first)
        await messaging.publish(one, "first")
        await first.wait_for("first")
        # The group waits for this one, whatever others want of it.
        other = await slow.join()
        await until(lambda: is_stable(private_kafka.admin(), group))

        with caplog.at_level(logging.DEBUG, "infrastructure"):
            joining = asyncio.ensure_future(messaging.subscribe(two, Inbox()))
            await until(lambda: JOINS in caplog.text)
            leaving = asyncio.ensure_future(messaging.unsubscribe(one))
            await until(lambda: one not in messaging._joined)
            again = asyncio.ensure_future(messaging.subscribe(one, inbox))
            await turns()

        await slow.leave(other)

        with within(JOINING):
            await asyncio.gather(joining, leaving, again)

        await messaging.publish(one, "second")
        await inbox.wait_for("second")
        assert (first.payloads, inbox.payloads) == (["first"], ["second"])


async def test_a_topic_that_is_named_while_others_make_the_group_assign(
    private_kafka: KafkaServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What the group assigns for their sake is not taken for the assignment of this topic."""
    group = new_group()

    async with (
        private_kafka.topic() as one,
        private_kafka.topic() as two,
        group_requests(private_kafka.host, private_kafka.port, group) as slow,
        group_requests(private_kafka.host, private_kafka.port, group) as other,
        connected(private_kafka, group_id=group, **LOUD) as messaging,
    ):
        admin = private_kafka.admin()
        await messaging.subscribe(one, Inbox())

        # When another one comes it is waited for: until it has joined again, or left.
        first = await slow.join()
        await until(lambda: is_stable(admin, group))

        with caplog.at_level(logging.DEBUG, "infrastructure"):
            coming = asyncio.ensure_future(other.join())
            await until(lambda: caplog.text.count(JOINS) == 1)
            subscribing = asyncio.ensure_future(messaging.subscribe(two, Inbox()))
            await until(lambda: "postponing subscribe" in caplog.text)
            await slow.leave(first)
            await until(lambda: caplog.text.count(JOINS) == 2)
            await turns()

        assert not subscribing.done()
        await other.leave(await coming)

        with within(JOINING):
            await subscribing

        assert owned(messaging) == {one, two}


async def test_a_topic_of_which_another_member_has_it_all(kafka: KafkaEndpoint) -> None:
    """Who subscribes it too gets nothing of it, and waits for no more than that."""
    group = new_group()

    async with (
        kafka.topic() as one,
        kafka.topic() as two,
        nothing_left(),
        connected(kafka, group_id=group, dead_letters=False) as first,
        connected(kafka, group_id=group, dead_letters=False) as second,
    ):
        await first.subscribe(one, Inbox())
        await first.subscribe(two, Inbox())
        await second.subscribe(one, Inbox())

        with within(JOINING):
            await second.subscribe(two, Inbox())

        assert len(owned(first)) + len(owned(second)) == 2
