"""Handlers: several on one topic each get each message."""

from __future__ import annotations

import builtins
from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "M5_each_handler_is_retried_alone",
    "M5_every_handler_gets_each_message",
    "M5_message_is_finished_when_all_handlers_are",
    "M5_same_handler_twice_is_once",
]


@check()
async def M5_every_handler_gets_each_message(harness: MessagingHarness) -> None:
    """Three handlers of one topic get all messages, each of them."""
    name, inboxes = topic("every"), [Inbox(), Inbox(), Inbox()]

    async with harness.make() as messaging:
        for inbox in inboxes:
            await messaging.subscribe(name, inbox)

        for number in range(10):
            await messaging.publish(name, Message(number, key="k"))

        for inbox in inboxes:
            equal(await inbox.wait(10), list(range(10)))


class _Service:
    def __init__(self) -> None:
        self.inbox = Inbox()

    async def handle(self, payload: Any) -> None:
        await self.inbox(payload)


@check()
async def M5_same_handler_twice_is_once(harness: MessagingHarness) -> None:
    """Subscribing a handler again, a bound method too, has no effect."""
    name, inbox, service = topic("twice"), Inbox(), _Service()

    async with harness.make() as messaging:
        for _ in range(2):
            await messaging.subscribe(name, inbox)
            await messaging.subscribe(name, service.handle)

        await messaging.publish(name, Message("once", key="k"))
        await messaging.publish(name, Message("end", key="k"))
        await inbox.wait_until(lambda: "end" in inbox.payloads, "the last message")
        await service.inbox.wait_until(lambda: "end" in service.inbox.payloads, "the last message")

    assert inbox.payloads == ["once", "end"], f"a handler got {inbox.payloads}"
    assert service.inbox.payloads == ["once", "end"], f"a method got {service.inbox.payloads}"


@check(feature="retries")
async def M5_each_handler_is_retried_alone(harness: MessagingHarness) -> None:
    """A failure of one handler does not call the other again."""
    name, failures = topic("retried"), iter([ValueError("one"), ValueError("two")])

    def fail(_: Any) -> None:
        for error in failures:
            raise error

    weak, strong = Inbox(fail), Inbox()

    async with harness.make(backoff=(0.01, 0.02)) as messaging:
        await messaging.subscribe(name, weak)
        await messaging.subscribe(name, strong)
        await messaging.publish(name, 1)
        await weak.wait(1)
        await strong.wait(1)

    assert (weak.calls, strong.calls) == (3, 1), f"calls: {weak.calls} and {strong.calls}"


@check(feature="retries")
async def M5_message_is_finished_when_all_handlers_are(harness: MessagingHarness) -> None:
    """While one handler still fails, a message is not acknowledged for the group."""
    name, done = topic("all"), Inbox()

    def fail(_: Any) -> None:
        raise builtins.ConnectionError("still down")

    messaging = harness.make(group_id="g", backoff=(0.01, 0.02))

    async with messaging:
        await messaging.subscribe(name, done)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, "both")
        await done.wait(1)

    again = Inbox()

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, again)
        equal(await again.wait(1), ["both"])
