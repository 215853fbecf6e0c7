"""Cancellations: never lost, wherever they come, and the instance works on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ...interfaces import Message, ValidationError
from ...testing.cancellation import CancellationOutcome, every_cancellation
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from .._stopwatch import Stopwatch
from ._inbox import Gate, Inbox, topic

__all__ = [
    "G7_cancelled_connect_and_disconnect_leave_nothing",
    "G7_every_suspension_of_every_method_can_be_cancelled",
    "M9_translated_cancellation_is_no_dead_letter",
    "M11_handler_that_raises_a_cancellation_delays_no_other_key",
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


@check(feature="dead_letters")
async def M9_translated_cancellation_is_no_dead_letter(harness: MessagingHarness) -> None:
    """What a handler raises because shutdown cancelled it is no attempt: the message comes again."""
    name, dead, gate, inbox = topic("translated"), Inbox(), Gate(), Inbox()

    async def handler(payload: Any) -> None:
        try:
            await gate(payload)
        except asyncio.CancelledError as exc:
            raise ValidationError("cancelled") from exc

    async with harness.make(group_id="g", drain_timeout=0.05) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, handler)
        await messaging.publish(name, "cut off")
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(f"{name}.dlq", dead)
        await successor.subscribe(name, inbox)
        equal(await inbox.wait(1), ["cut off"])

    assert gate.cancelled == ["cut off"], "the handler was not cancelled"
    assert not dead.payloads, "a message that shutdown cut off became a dead letter"


@check(feature="order")
async def M11_handler_that_raises_a_cancellation_delays_no_other_key(
    harness: MessagingHarness,
) -> None:
    """What ends a call with ``CancelledError`` waits by itself; the next message is handled."""
    name, inbox = topic("itself"), Inbox()

    async def handler(payload: Any) -> None:
        if payload == "cancelled":
            await asyncio.sleep(0.01)
            raise asyncio.CancelledError

        await inbox(payload)

    async with harness.make(group_id="g", lanes=1, backoff=(20.0, 20.0)) as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message("cancelled", key="a"))
        await messaging.publish_many(name, [Message(number, key="b") for number in range(3)])
        watch = Stopwatch()
        equal(await inbox.wait(3), [0, 1, 2])

    took = watch.taken
    assert took < 5, f"the next messages came after {took:.1f} s, with the one that was cancelled"
