"""Calls from inside a handler: no deadlock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal, turns
from .._harness import MessagingHarness
from ._inbox import Gate, Inbox, patience, topic

__all__ = [
    "M7_disconnect_from_inside_a_handler_returns",
    "M7_disconnect_from_inside_waits_for_the_others",
    "M7_handler_may_subscribe_another_in_its_place",
    "M7_handler_that_disconnects_and_one_that_unsubscribes_both_return",
    "M7_handlers_that_disconnect_do_not_wait_for_each_other",
    "M7_message_of_a_handler_that_disconnected_is_acknowledged",
    "M7_subscribe_from_inside_a_handler_returns",
    "M7_unsubscribe_from_inside_its_handler_returns",
    "M7_unsubscribe_from_inside_waits_for_the_others",
]


class _Inside:
    """A handler that calls a method, and lets a check wait for its return."""

    def __init__(self, call: Callable[[], Awaitable[None]], *, child: bool = False) -> None:
        self._call = call
        self._child = child
        self.entered = asyncio.Event()
        self.returned = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def _run(self) -> None:
        await self._call()

    async def __call__(self, _: Any) -> None:
        self.entered.set()
        await self.go_on.wait()
        await (asyncio.create_task(self._run()) if self._child else self._call())
        self.returned.set()

    async def wait(self) -> None:
        async with patience(lambda: "the call inside the handler to return"):
            await self.returned.wait()


@check()
async def M7_unsubscribe_from_inside_its_handler_returns(harness: MessagingHarness) -> None:
    """A handler may end its own subscription, in a child task too."""
    for child in (False, True):
        name = topic("inside")

        async with harness.make() as messaging:
            handler = _Inside(lambda: messaging.unsubscribe(name), child=child)  # noqa: B023 - called in the loop
            await messaging.subscribe(name, handler)
            await messaging.publish(name, 1)
            await handler.wait()


@check()
async def M7_disconnect_from_inside_a_handler_returns(harness: MessagingHarness) -> None:
    """A handler may disconnect the instance, in a child task too."""
    for child in (False, True):
        name = topic("inside")
        messaging = harness.make()
        await messaging.connect()
        handler = _Inside(messaging.disconnect, child=child)
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await handler.wait()

        async with patience(lambda: "disconnect to return"):
            await messaging.disconnect()


@check()
async def M7_subscribe_from_inside_a_handler_returns(harness: MessagingHarness) -> None:
    """A handler may subscribe another topic, which works when it has returned."""
    name, other, inbox = topic("inside"), topic("other"), Inbox()

    async with harness.make() as messaging:
        handler = _Inside(lambda: messaging.subscribe(other, inbox))
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await handler.wait()
        await messaging.publish(other, "seen")
        equal(await inbox.wait(1), ["seen"])


@check()
async def M7_handler_may_subscribe_another_in_its_place(harness: MessagingHarness) -> None:
    """``unsubscribe`` and ``subscribe`` of its own topic inside a handler: the new one goes on."""
    name, inbox = topic("swap"), Inbox()

    async with harness.make() as messaging:

        async def swap() -> None:
            await messaging.unsubscribe(name)
            await messaging.subscribe(name, inbox)

        handler = _Inside(swap)
        await messaging.subscribe(name, handler)
        await messaging.publish(name, "first")
        await handler.wait()
        await messaging.publish(name, "second")
        await inbox.wait_until(lambda: "second" in inbox.payloads, "the next message")


@check()
async def M7_handlers_that_disconnect_do_not_wait_for_each_other(
    harness: MessagingHarness,
) -> None:
    """Two handlers inside ``disconnect`` at a time both return from it."""
    first, second = topic("first"), topic("second")
    messaging = harness.make()
    await messaging.connect()
    handlers = [_Inside(messaging.disconnect), _Inside(messaging.disconnect)]

    for name, handler in zip((first, second), handlers, strict=True):
        handler.go_on.clear()
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)

    async with patience(lambda: "the handlers to be called"):
        for handler in handlers:
            await handler.entered.wait()

    for handler in handlers:
        handler.go_on.set()

    for handler in handlers:
        await handler.wait()


@check()
async def M7_handler_that_disconnects_and_one_that_unsubscribes_both_return(
    harness: MessagingHarness,
) -> None:
    """Each would wait for the other; neither does."""
    first, second = topic("first"), topic("second")
    messaging = harness.make()
    await messaging.connect()
    leaver = _Inside(lambda: messaging.unsubscribe(second))
    closer = _Inside(messaging.disconnect)

    for name, handler in ((first, leaver), (second, closer)):
        handler.go_on.clear()
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)

    async with patience(lambda: "the handlers to be called"):
        await leaver.entered.wait()
        await closer.entered.wait()

    leaver.go_on.set()
    closer.go_on.set()
    await leaver.wait()
    await closer.wait()

    async with patience(lambda: "disconnect to return"):
        await messaging.disconnect()


@check()
async def M7_disconnect_from_inside_waits_for_the_others(harness: MessagingHarness) -> None:
    """It returns when the handlers that do not wait have ended, not before."""
    name, other, gate = topic("inside"), topic("other"), Gate()
    messaging = harness.make()
    await messaging.connect()
    handler = _Inside(messaging.disconnect)
    await messaging.subscribe(other, gate)
    await messaging.subscribe(name, handler)
    await messaging.publish(other, 1)
    await gate.wait_until(lambda: gate.running == 1, "the other handler to run")
    await messaging.publish(name, 1)

    async with patience(lambda: "the handlers to be called"):
        await handler.entered.wait()

    await turns()
    assert not handler.returned.is_set(), "disconnect did not wait for the other handler"
    gate.let_go()
    await handler.wait()
    assert gate.payloads == [1], "the other handler did not finish"


@check(feature="order")
async def M7_unsubscribe_from_inside_waits_for_the_others(harness: MessagingHarness) -> None:
    """It returns when the calls of the topic that do not wait have ended, not before."""
    name, gate = topic("inside"), Gate()

    async with harness.make(group_id="g") as messaging:
        leaver = _Inside(lambda: messaging.unsubscribe(name))

        async def handler(payload: Any) -> None:
            await (leaver if payload == "unsubscribe" else gate)(payload)

        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message("runs", key="a"))
        await gate.wait_until(lambda: gate.running == 1, "the other call to run")
        await messaging.publish(name, Message("unsubscribe", key="b"))

        async with patience(lambda: "the handler to be called"):
            await leaver.entered.wait()

        await turns()
        assert not leaver.returned.is_set(), "unsubscribe did not wait for the other call"
        gate.let_go()
        await leaver.wait()

    assert gate.payloads == ["runs"], "the other call did not finish"


@check(feature="reconnect")
async def M7_message_of_a_handler_that_disconnected_is_acknowledged(
    harness: MessagingHarness,
) -> None:
    """Commit and close follow when the calling handler returns: its message is not repeated."""
    name, seen = topic("acknowledged"), Inbox()
    messaging = harness.make(group_id="g")

    async def handler(payload: Any) -> None:
        await seen(payload)

        if payload == "disconnect":
            await messaging.disconnect()

            # It may have work to do after it.
            await turns()

    await messaging.connect()
    await messaging.subscribe(name, handler)
    await messaging.publish(name, Message("disconnect", key="k"))
    await seen.wait(1)

    async with patience(lambda: "disconnect to return"):
        await messaging.disconnect()

    async with messaging:
        await messaging.publish(name, Message("end", key="k"))
        await seen.wait_until(lambda: "end" in seen.payloads, "the last message")

    assert seen.payloads == ["disconnect", "end"], f"got {seen.payloads}"
