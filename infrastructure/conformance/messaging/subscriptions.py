"""Subscriptions: before connect, over a reconnect, and their end."""

from __future__ import annotations

import asyncio

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Gate, Inbox, patience, topic

__all__ = [
    "M6_finished_messages_do_not_come_again",
    "M6_subscription_before_connect_is_started_by_it",
    "M6_subscriptions_survive_a_reconnect",
    "M7_topic_can_be_subscribed_again",
    "M7_unsubscribe_ends_all_handlers_of_the_topic",
    "M7_unsubscribe_of_an_unknown_topic_has_no_effect",
    "M7_unsubscribe_waits_for_running_handlers",
]


@check(feature="reconnect")
async def M6_subscription_before_connect_is_started_by_it(harness: MessagingHarness) -> None:
    """``subscribe`` before ``connect`` is remembered."""
    name, inbox = topic("before"), Inbox()
    messaging = harness.make()
    await messaging.subscribe(name, inbox)

    async with messaging:
        await messaging.publish(name, "hello")
        equal(await inbox.wait(1), ["hello"])


@check(feature="reconnect")
async def M6_subscriptions_survive_a_reconnect(harness: MessagingHarness) -> None:
    """After disconnect and connect the handlers are called again, each once."""
    name, inbox, other = topic("survive"), Inbox(), Inbox()
    messaging = harness.make()

    async with messaging:
        await messaging.subscribe(name, inbox)
        await messaging.subscribe(name, other)

    async with messaging:
        await messaging.publish(name, Message(1, key="k"))
        await messaging.publish(name, Message(2, key="k"))
        equal(await inbox.wait(2), [1, 2])
        equal(await other.wait(2), [1, 2])


@check(feature="reconnect")
async def M6_finished_messages_do_not_come_again(harness: MessagingHarness) -> None:
    """What was acknowledged before a graceful disconnect is not delivered after it."""
    name, inbox = topic("again"), Inbox()
    messaging = harness.make(group_id="g")

    async with messaging:
        await messaging.subscribe(name, inbox)

        for number in range(5):
            await messaging.publish(name, Message(number, key="k"))

        await inbox.wait(5)

    async with messaging:
        await messaging.publish(name, Message("end", key="k"))
        await inbox.wait_until(lambda: "end" in inbox.payloads, "the last message")

    assert inbox.payloads == [0, 1, 2, 3, 4, "end"], f"got {inbox.payloads}"


@check()
async def M7_unsubscribe_ends_all_handlers_of_the_topic(harness: MessagingHarness) -> None:
    """After it no handler of the topic is called, and other topics go on."""
    name, other, first, second, rest = topic("end"), topic("on"), Inbox(), Inbox(), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, first)
        await messaging.subscribe(name, second)
        await messaging.subscribe(other, rest)
        await messaging.publish(name, "before")
        await first.wait(1)
        await second.wait(1)
        await messaging.unsubscribe(name)

        for number in range(10):
            await messaging.publish(name, "after")
            await messaging.publish(other, Message(number, key="k"))

        equal(await rest.wait(10), list(range(10)))

    assert first.payloads == second.payloads == ["before"], "called after unsubscribe"


@check()
async def M7_unsubscribe_waits_for_running_handlers(harness: MessagingHarness) -> None:
    """It returns when the calls that run have ended."""
    name, gate = topic("waits"), Gate()

    async with harness.make() as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        ending = asyncio.create_task(messaging.unsubscribe(name))

        for _ in range(20):
            await asyncio.sleep(0)

        assert not ending.done(), "unsubscribe returned while the handler ran"
        gate.let_go()

        async with patience(lambda: "unsubscribe to return"):
            await ending

        assert gate.payloads == [1], "unsubscribe did not let the handler finish"


@check()
async def M7_unsubscribe_of_an_unknown_topic_has_no_effect(harness: MessagingHarness) -> None:
    """A topic that nobody subscribed is no error, also the second time."""
    name, inbox = topic("known"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.unsubscribe(topic("unknown"))
        await messaging.publish(name, 1)
        await inbox.wait(1)
        await messaging.unsubscribe(name)
        await messaging.unsubscribe(name)


@check()
async def M7_topic_can_be_subscribed_again(harness: MessagingHarness) -> None:
    """After unsubscribe a new handler gets what is published from then on."""
    name, old, new = topic("again"), Inbox(), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, old)
        await messaging.publish(name, "old")
        await old.wait(1)
        await messaging.unsubscribe(name)
        await messaging.subscribe(name, new)
        await messaging.publish(name, "new")
        equal(await new.wait(1), ["new"])

    assert old.payloads == ["old"], f"the old handler got {old.payloads}"
