"""Subscriptions that end while others begin, members leave, or somebody has less time."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import ConnectionError, Message, deadline
from .._check import check
from .._expect import equal, turns
from .._harness import MessagingHarness
from .._stopwatch import Stopwatch
from ._inbox import Gate, Inbox, patience, topic

__all__ = [
    "G5_second_disconnect_ends_by_its_own_deadline",
    "M4_nothing_is_lost_to_a_member_that_unsubscribes",
    "M7_disconnect_from_inside_has_begun_when_it_returns",
    "M7_second_unsubscribe_waits_for_running_handlers",
    "M7_topic_ended_twice_waits_for_running_handlers",
    "M7_unsubscribe_ends_what_is_being_subscribed",
    "M14_draining_member_takes_over_nothing",
]


@check()
async def M7_topic_ended_twice_waits_for_running_handlers(harness: MessagingHarness) -> None:
    """Subscribed and ended again while its first handler runs, a topic still lets that finish."""
    name, gate = topic("twice"), Gate()

    async with harness.make() as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        first = asyncio.create_task(messaging.unsubscribe(name))
        await turns(20)
        await messaging.subscribe(name, Inbox())
        second = asyncio.create_task(messaging.unsubscribe(name))
        await turns(20)
        assert not gate.cancelled, "the second unsubscribe cancelled what the first one waits for"
        gate.let_go()

        async with patience(lambda: "both to return"):
            await asyncio.gather(first, second)

    assert gate.payloads == [1]


@check(feature="drain")
async def M7_second_unsubscribe_waits_for_running_handlers(harness: MessagingHarness) -> None:
    """Where the first one was cancelled, the next returns when no handler runs any more."""
    name, gate = topic("again"), Gate()

    async with harness.make() as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        first = asyncio.create_task(messaging.unsubscribe(name))
        await turns(20)
        first.cancel()
        await asyncio.wait({first})
        second = asyncio.create_task(messaging.unsubscribe(name))
        await turns(20)
        assert gate.cancelled or not second.done(), "unsubscribe returned while a handler runs"
        gate.let_go()

        async with patience(lambda: "unsubscribe to return"):
            await second


@check()
async def M7_unsubscribe_ends_what_is_being_subscribed(harness: MessagingHarness) -> None:
    """Wherever the subscribe is, its handler gets no message once both have returned."""
    async with harness.make() as messaging:
        for count in range(4):
            name, ended, inbox = topic("being"), Inbox(), Inbox()
            subscribing = asyncio.create_task(messaging.subscribe(name, ended))
            await turns(count)
            began = count > 0
            await messaging.unsubscribe(name)
            await subscribing
            await messaging.subscribe(name, inbox)
            await messaging.publish(name, "later")
            await inbox.wait(1)
            assert not (began and ended.payloads), f"called after unsubscribe, {count} turns"


@check()
async def M7_disconnect_from_inside_has_begun_when_it_returns(harness: MessagingHarness) -> None:
    """The handler finds the instance closed, though it runs on itself."""
    name, inbox = topic("begun"), Inbox()
    messaging = harness.make()

    async def handler(_: Any) -> None:
        await messaging.disconnect()

        try:
            await messaging.unsubscribe(name)
        except ConnectionError:
            await inbox("closed")
        else:
            await inbox("open")

    await messaging.connect()
    await messaging.subscribe(name, handler)
    await messaging.publish(name, 1)
    equal(await inbox.wait(1), ["closed"])
    await messaging.disconnect()


@check(feature="rebalance")
async def M4_nothing_is_lost_to_a_member_that_unsubscribes(harness: MessagingHarness) -> None:
    """What a member takes over while its subscription ends is handled by its next one."""
    name, inbox, ends = topic("ends"), Inbox(), Gate()
    leaves = Gate(beside=ends)
    leaving = harness.make(group_id="g", drain_timeout=0.05)

    async def publish(word: str) -> None:
        for number in range(16):
            await ending.publish(name, Message((word, number), key=f"k{number}"))

    async with harness.make(group_id="g", drain_timeout=30.0) as ending:
        await ending.subscribe(name, ends)
        await leaving.connect()
        await leaving.subscribe(name, leaves)
        await publish("early")
        await ends.wait_until(lambda: ends.running + leaves.running == 16, "both to have them all")
        unsubscribing = asyncio.create_task(ending.unsubscribe(name))
        await turns(20)
        await leaving.disconnect()
        await turns(20)
        await ending.subscribe(name, inbox)
        await publish("late")
        await turns(20)
        ends.let_go()

        async with patience(lambda: "unsubscribe to return"):
            await unsubscribing

        wanted = {*leaves.cancelled, *(("late", number) for number in range(16))}
        await inbox.wait_until(lambda: wanted <= set(inbox.payloads), f"{len(wanted)} messages")


@check(feature="rebalance")
async def M14_draining_member_takes_over_nothing(harness: MessagingHarness) -> None:
    """While it waits for its handlers it starts no call, also not for one that leaves meanwhile."""
    name, inbox, drains = topic("drains"), Inbox(), Gate()
    leaves = Gate(beside=drains)
    leaving = harness.make(group_id="g", drain_timeout=0.05)
    draining = harness.make(group_id="g")
    await draining.connect()
    await draining.subscribe(name, drains)
    await leaving.connect()
    await leaving.subscribe(name, leaves)

    for number in range(16):
        await draining.publish(name, Message(number, key=f"k{number}"))

    await drains.wait_until(lambda: drains.running + leaves.running == 16, "both to have them all")
    started = list(drains.entered)
    ending = asyncio.create_task(draining.disconnect())
    await turns(20)
    await leaving.disconnect()
    await turns(50)
    drains.let_go()

    async with patience(lambda: "disconnect to return"):
        await ending

    assert drains.entered == started, "it started calls while it drained"

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, inbox)
        await inbox.wait_until(lambda: set(leaves.cancelled) <= set(inbox.payloads), "the others")


@check(feature="deadlines")
async def G5_second_disconnect_ends_by_its_own_deadline(harness: MessagingHarness) -> None:
    """It does not wait as long as the first one, which has more time, would."""
    name, gate = topic("hurries"), Gate()
    messaging: Any = harness.make(drain_timeout=20.0)
    await messaging.connect()
    await messaging.subscribe(name, gate)
    await messaging.publish(name, 1)
    await gate.wait_until(lambda: gate.running == 1, "the handler to run")
    first = asyncio.create_task(messaging.disconnect())
    await turns(20)
    watch = Stopwatch()

    try:
        with deadline(0.1):
            await asyncio.wait({asyncio.create_task(messaging.disconnect())}, timeout=3.0)

        took = watch.taken
    finally:
        gate.let_go()
        await first

    assert took < 1.25, f"disconnect took {took:.2f} s; its deadline was 0.1 s, a close has 1 s"
