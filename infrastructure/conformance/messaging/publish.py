"""Publishing: what was accepted arrives, in order for one task and key."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import ConnectionError, Message, ValidationError
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._expect import raises
from ._inbox import Inbox, topic

__all__ = [
    "M1_a_text_is_not_several_messages",
    "M1_concurrent_publishes_all_arrive",
    "M1_publish_after_disconnect_was_not_applied",
    "M1_publish_many_keeps_the_order_of_a_key",
    "M1_publish_many_tells_where_it_stopped",
    "M1_publish_without_any_subscriber_is_accepted",
    "M1_published_message_arrives",
    "M1_publishes_of_one_task_to_one_key_keep_their_order",
    "M1_topics_are_apart",
]


@check()
async def M1_published_message_arrives(harness: MessagingHarness) -> None:
    """A message published after subscribe returned reaches the handler."""
    name, inbox = topic("arrives"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, "hello")
        equal(await inbox.wait(1), ["hello"])


@check()
async def M1_concurrent_publishes_all_arrive(harness: MessagingHarness) -> None:
    """Fifty tasks that publish at the same time lose nothing."""
    name, inbox = topic("concurrent"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)

        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(messaging.publish(name, number))

        await inbox.wait_until(lambda: set(inbox.payloads) == set(range(50)), "all of 0 to 49")


@check()
async def M1_publishes_of_one_task_to_one_key_keep_their_order(harness: MessagingHarness) -> None:
    """One task's messages of one key arrive as they were published, others interleaved."""
    name, inbox = topic("order"), Inbox()

    async def publish(key: str) -> None:
        for number in range(30):
            await messaging.publish(name, Message((key, number), key=key))

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await asyncio.gather(publish("a"), publish("b"))
        got = await inbox.wait(60)

    for key in ("a", "b"):
        numbers = [number for owner, number in got if owner == key]
        assert numbers == list(range(30)), f"key {key} arrived as {numbers}"


@check()
async def M1_topics_are_apart(harness: MessagingHarness) -> None:
    """A message of one topic does not reach the handler of another."""
    first, second, inbox, other = topic("first"), topic("second"), Inbox(), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(first, inbox)
        await messaging.subscribe(second, other)
        await messaging.publish(first, 1)
        await messaging.publish(second, 2)
        equal(await inbox.wait(1), [1])
        equal(await other.wait(1), [2])


@check()
async def M1_publish_many_keeps_the_order_of_a_key(harness: MessagingHarness) -> None:
    """The messages of one ``publish_many`` all arrive, those of one key in order."""
    name, inbox = topic("many"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish_many(name, (Message(number, key="k") for number in range(100)))
        equal(await inbox.wait(100), list(range(100)))


@check()
async def M1_publish_many_tells_where_it_stopped(harness: MessagingHarness) -> None:
    """The error of a bad message has its position as ``row_index``; the ones before are sent."""
    name, inbox = topic("stopped"), Inbox()
    messages = [Message(payload, key="k") for payload in (0, 1, object(), 3)]

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        call = messaging.publish_many(name, messages)
        error = await raises(ValidationError, call, "publish_many of an object()")
        await messaging.publish(name, Message("end", key="k"))
        equal(await inbox.wait(3), [0, 1, "end"])

    assert error.row_index == 2, f"row_index is {error.row_index}, the bad message was 2"


@check()
async def M1_a_text_is_not_several_messages(harness: MessagingHarness) -> None:
    """ValidationError, and none of its letters is published."""
    name, inbox = topic("letters"), Inbox()
    text: Any = "ab"

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await raises(ValidationError, messaging.publish_many(name, text), "publish_many of a str")
        await messaging.publish(name, "end")
        equal(await inbox.wait(1), ["end"])


@check()
async def M1_publish_without_any_subscriber_is_accepted(harness: MessagingHarness) -> None:
    """Nobody need listen: publish returns all the same."""
    async with harness.make() as messaging:
        await messaging.publish(topic("silence"), "anybody?")


@check(feature="reconnect")
async def M1_publish_after_disconnect_was_not_applied(harness: MessagingHarness) -> None:
    """What was never handed over says so, and is not sent by a later connect."""
    name, inbox = topic("never"), Inbox()
    messaging = harness.make()

    async with messaging:
        await messaging.subscribe(name, inbox)

    call = messaging.publish(name, Message("never", key="k"))
    error = await raises(ConnectionError, call, "publish after disconnect")
    assert error.outcome == "not_applied", f"outcome is {error.outcome!r}"

    async with messaging:
        await messaging.publish(name, Message("later", key="k"))
        equal(await inbox.wait(1), ["later"])
