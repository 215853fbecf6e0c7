"""Groups: at least once for each, competing inside one."""

from __future__ import annotations

from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "M4_each_group_gets_every_message",
    "M4_failed_message_is_not_lost",
    "M4_group_misses_nothing_while_it_is_away",
    "M4_instances_of_one_group_compete",
    "M4_new_group_starts_at_its_subscription",
    "M4_new_group_starts_at_the_earliest_message",
    "M4_new_group_starts_with_what_is_retained",
]


@check()
async def M4_failed_message_is_not_lost(harness: MessagingHarness) -> None:
    """A handler that raised is called with the message again."""
    name, failures = topic("failed"), iter([ValueError("the first call fails")])

    def fail(payload: Any) -> None:
        if payload == "bad once":
            for error in failures:
                raise error

    inbox = Inbox(fail)

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, "bad once")
        await messaging.publish(name, "good")
        equal(set(await inbox.wait(2)), {"bad once", "good"})


@check()
async def M4_each_group_gets_every_message(harness: MessagingHarness) -> None:
    """Two groups both get all messages."""
    name, first, second = topic("groups"), Inbox(), Inbox()

    async with harness.make(group_id="a") as one, harness.make(group_id="b") as two:
        await one.subscribe(name, first)
        await two.subscribe(name, second)

        for number in range(10):
            await one.publish(name, Message(number, key=f"k{number % 3}"))

        for inbox in (first, second):
            await inbox.wait_until(lambda: set(inbox.payloads) == set(range(10)), "0 to 9")  # noqa: B023 - awaited in the loop


@check()
async def M4_instances_of_one_group_compete(harness: MessagingHarness) -> None:
    """Two instances of a group get all messages together, not each of them."""
    name, inbox = topic("compete"), Inbox()

    async def second(payload: Any) -> None:
        await inbox(payload)

    async with harness.make(group_id="g") as one, harness.make(group_id="g") as two:
        await one.subscribe(name, inbox)
        await two.subscribe(name, second)

        for number in range(40):
            await one.publish(name, Message(number, key=f"k{number}"))

        await inbox.wait_until(lambda: set(inbox.payloads) == set(range(40)), "0 to 39")

    assert len(inbox.payloads) < 80, "both instances of one group got everything"


@check(feature="retain")
async def M4_new_group_starts_with_what_is_retained(harness: MessagingHarness) -> None:
    """With ``retain=30`` a new group begins at the thirtieth last message."""
    name, inbox = topic("retain"), Inbox()

    async with harness.make(group_id="g", retain=30) as messaging:
        for number in range(40):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        await messaging.subscribe(name, inbox)
        await inbox.wait(30)
        await messaging.publish(name, Message("last", key="k"))
        await inbox.wait_until(lambda: "last" in inbox.payloads, "the last message")

    assert sorted(inbox.payloads[:-1]) == list(range(10, 40)), f"got {inbox.payloads}"


@check(feature="durable")
async def M4_new_group_starts_at_the_earliest_message(harness: MessagingHarness) -> None:
    """What was published before a group existed is delivered to it."""
    name, inbox = topic("earliest"), Inbox()

    async with harness.make(group_id="g") as messaging:
        await messaging.publish(name, "before")
        await messaging.subscribe(name, inbox)
        equal(await inbox.wait(1), ["before"])


@check(feature="retain")
async def M4_new_group_starts_at_its_subscription(harness: MessagingHarness) -> None:
    """In process, without ``retain``, what was published before is not delivered."""
    name, inbox = topic("subscription"), Inbox()

    async with harness.make(group_id="g") as messaging:
        await messaging.publish(name, Message("before", key="k"))
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, Message("after", key="k"))
        equal(await inbox.wait(1), ["after"])


@check(feature="reconnect")
async def M4_group_misses_nothing_while_it_is_away(harness: MessagingHarness) -> None:
    """What was published while all members were disconnected comes when one is back."""
    name, inbox, others = topic("away"), Inbox(), Inbox()
    away = harness.make(group_id="g")

    async with harness.make(group_id="other") as publisher:
        await publisher.subscribe(name, others)

        async with away:
            await away.subscribe(name, inbox)

        for number in range(40):
            await publisher.publish(name, Message(number, key="k"))

        # Another group has finished them: that is no reason to drop them.
        await others.wait(40)

        async with away:
            equal(await inbox.wait(40), list(range(40)))
