"""Deadlines: every call ends by its own."""

from __future__ import annotations

import math
from typing import Any

from ...interfaces import TimeoutError, deadline
from ...interfaces._context import expiry
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from .._stopwatch import Stopwatch
from ._expect import raises
from ._inbox import Gate, Inbox, topic

__all__ = [
    "G5_deadline_option_is_the_default_of_a_call",
    "G5_expired_deadline_does_not_stop_disconnect",
    "G5_expired_deadline_publishes_nothing",
    "G5_unsubscribe_ends_by_the_deadline",
    "G10_handler_inherits_no_deadline",
    "G10_nothing_a_handler_left_reaches_the_next",
]


@check(feature="deadlines")
async def G5_expired_deadline_publishes_nothing(harness: MessagingHarness) -> None:
    """Inside a block that is over, publish raises ``TimeoutError``: not applied."""
    name, inbox = topic("expired"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)

        with deadline(0.01):
            await harness.advance(0.02)

            for call in (messaging.publish, messaging.publish_many):
                error = await raises(TimeoutError, call(name, [1]), "publish after the deadline")
                assert error.outcome == "not_applied", f"outcome is {error.outcome!r}"

        await messaging.publish(name, 2)
        equal(await inbox.wait(1), [2])


@check(feature="deadlines")
async def G5_expired_deadline_does_not_stop_disconnect(harness: MessagingHarness) -> None:
    """The exit of ``async with`` has 1 s, whatever runs."""
    name, gate = topic("exit"), Gate()

    async with harness.make() as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")

        with deadline(0.01):
            await harness.advance(0.02)
            watch = Stopwatch()
            await messaging.disconnect()
            took = watch.taken

    assert took < 1.25, f"disconnect took {took:.2f} s"
    assert gate.cancelled == [1], "the running handler was not cancelled"


@check(feature="deadlines")
async def G5_unsubscribe_ends_by_the_deadline(harness: MessagingHarness) -> None:
    """While a handler hangs, unsubscribe inside a block ends with the block."""
    name, gate = topic("unsubscribe"), Gate()

    async with harness.make() as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        watch = Stopwatch()

        with deadline(0.1):
            await raises(TimeoutError, messaging.unsubscribe(name), "unsubscribe past the deadline")

        assert watch.taken < 0.35, "unsubscribe outlived its deadline"
        gate.let_go()


@check(feature="bounded_log")
async def G5_deadline_option_is_the_default_of_a_call(harness: MessagingHarness) -> None:
    """Outside any block a call ends by ``deadline=`` of the constructor."""
    name, gate = topic("option"), Gate()

    async with harness.make(deadline=0.05, max_log=1) as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, 1)
        await gate.wait_until(lambda: gate.running == 1, "the handler to run")
        watch = Stopwatch()
        await raises(TimeoutError, messaging.publish(name, 2), "publish on a full log")
        assert watch.taken < 0.3, "publish outlived its deadline"
        gate.let_go()


@check(feature="isolation")
async def G10_handler_inherits_no_deadline(harness: MessagingHarness) -> None:
    """Neither the publisher's, the subscriber's nor the connecting block's."""
    name = topic("inherits")
    instants: list[float] = []
    inbox = Inbox()

    async def handler(payload: Any) -> None:
        instants.append(expiry(None))
        await inbox(payload)

    messaging = harness.make()

    with deadline(20):
        await messaging.connect()
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await inbox.wait(1)

    await messaging.disconnect()
    assert instants == [math.inf], "the handler has a deadline of somebody else"


@check(feature="isolation")
async def G10_nothing_a_handler_left_reaches_the_next(harness: MessagingHarness) -> None:
    """A deadline block that a handler entered and never left is gone for the next message."""
    name = topic("left")
    instants: list[float] = []
    inbox = Inbox()

    async def handler(payload: Any) -> None:
        instants.append(expiry(None))
        deadline(1000).__enter__()
        await inbox(payload)

    async with harness.make() as messaging:
        await messaging.subscribe(name, handler)

        for number in range(20):
            await messaging.publish(name, number)

        await inbox.wait(20)

    assert set(instants) == {math.inf}, "a handler found what an earlier one had left"
