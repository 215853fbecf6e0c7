"""Cancellations: never lost, wherever they come, and the instance works on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...interfaces import Message
from ...testing.cancellation import CancellationOutcome, every_cancellation
from .._check import check
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "G7_cancelled_connect_and_disconnect_leave_nothing",
    "G7_every_suspension_of_every_method_can_be_cancelled",
]


@check(feature="cancellation")
async def G7_every_suspension_of_every_method_can_be_cancelled(harness: MessagingHarness) -> None:
    """Cancelled at each suspension a call ends so, and the next messages arrive all the same."""
    name, other, inbox = topic("works"), topic("cancelled"), Inbox()
    count = 0

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe(name, inbox)

        async def works(outcome: CancellationOutcome) -> None:
            nonlocal count
            count += 1
            assert not outcome.swallowed, f"a cancellation was lost: {outcome}"
            await messaging.publish(name, Message(count, key="k"))
            await inbox.wait_until(lambda: count in inbox.payloads, f"message {count}")

        async def subscribe_and_unsubscribe() -> None:
            await messaging.subscribe(other, Inbox())
            await messaging.publish(other, 1)
            await messaging.unsubscribe(other)

        calls: list[Callable[[], Awaitable[None]]] = [
            lambda: messaging.publish(other, 1),
            lambda: messaging.publish_many(other, [1, 2, 3]),
            lambda: messaging.subscribe(other, inbox),
            lambda: messaging.unsubscribe(other),
            subscribe_and_unsubscribe,
        ]

        for call in calls:
            await every_cancellation(call, after=works)


@check(feature="cancellation")
async def G7_cancelled_connect_and_disconnect_leave_nothing(harness: MessagingHarness) -> None:
    """Cancelled anywhere they can be called again, and the subscriptions are there."""
    name, inbox = topic("again"), Inbox()
    messaging = harness.make(group_id="g")
    await messaging.subscribe(name, inbox)
    count = 0

    async def connects(outcome: CancellationOutcome) -> None:
        nonlocal count
        count += 1
        assert not outcome.swallowed, f"a cancellation was lost: {outcome}"
        await messaging.connect()
        await messaging.publish(name, Message(count, key="k"))
        await inbox.wait_until(lambda: count in inbox.payloads, f"message {count}")

    async def disconnects(outcome: CancellationOutcome) -> None:
        await connects(outcome)
        await messaging.disconnect()

    await every_cancellation(messaging.connect, after=disconnects)
    await messaging.connect()
    await every_cancellation(messaging.disconnect, after=connects)
    await messaging.disconnect()
