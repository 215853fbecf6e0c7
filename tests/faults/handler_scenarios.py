"""Calls that a handler of ``MemoryMessaging`` makes, to cancel: no deadlock, nothing lost."""

from __future__ import annotations

import asyncio
from typing import Any

from infrastructure.interfaces._context import message_infos
from infrastructure.messaging.memory import MemoryMessaging

from ._inbox import Inbox
from ._sweep import Scenarios, Steps
from ._watch import until

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()


class Caller:
    """A handler that stays in its call, while a task of its context makes another one."""

    def __init__(self) -> None:
        self._infos: list[Any] = []
        self._entered = asyncio.Event()
        self._go = asyncio.Event()
        self.payloads: list[Any] = []

    async def __call__(self, payload: Any) -> None:
        self._infos.append(message_infos.get())
        self._entered.set()
        await self._go.wait()
        self.payloads.append(payload)

    async def entered(self) -> None:
        """Return when it is in its call."""
        await self._entered.wait()

    def speak(self) -> None:
        """Make the calling task one that the handler has started."""
        message_infos.set(self._infos[0])

    def leave(self) -> None:
        """End the call, and those that come."""
        self._go.set()


async def both_running(messaging: MemoryMessaging) -> tuple[Caller, Inbox]:
    """Return two handlers of one message, which are in their calls."""
    caller, other = Caller(), Inbox(held=True)
    await messaging.subscribe("t", caller)
    await messaging.subscribe("t", other)
    await messaging.publish("t", 1)
    await caller.entered()
    await other.begun.wait()
    return caller, other


@SCENARIOS.of("unsubscribe", least=1)
async def an_unsubscribe_by_a_handler(messaging: MemoryMessaging) -> Steps:
    """It waits for the other handler and not for its own; both end, and get nothing more."""
    caller, other = await both_running(messaging)

    async def operation() -> None:
        caller.speak()
        other.let_go_soon()
        await messaging.unsubscribe("t")

    yield operation
    other.let_go_soon()
    caller.leave()
    await other.wait_for(1)
    await until(lambda: caller.payloads == [1], lambda: caller.payloads)
    await messaging.publish("t", 2)


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_by_a_handler(messaging: MemoryMessaging) -> Steps:
    """Cancelled, it is forced; what was not finished is delivered again."""
    caller, other = await both_running(messaging)

    async def operation() -> None:
        caller.speak()
        other.let_go_soon()
        await messaging.disconnect()

    yield operation
    other.let_go_soon()
    caller.leave()
    await until(lambda: repr(messaging).endswith("closed>"), lambda: messaging)
    await messaging.connect()
    await other.wait_for(1)
    await until(lambda: 1 in caller.payloads, lambda: caller.payloads)


@SCENARIOS.of("subscribe", "publish", "publish_many", least=1)
async def a_subscription_by_a_handler(messaging: MemoryMessaging) -> Steps:
    """It is there or not; what was published goes to whoever is subscribed."""
    caller, other = await both_running(messaging)

    async def operation() -> None:
        caller.speak()
        await messaging.subscribe("u", Inbox())
        await messaging.publish("u", 1)
        await messaging.publish_many("u", [2, 3])

    yield operation
    other.let_go_soon()
    caller.leave()
    inbox = Inbox()
    await messaging.subscribe("u", inbox)
    await messaging.publish("u", 4)
    await inbox.wait_for(4)
