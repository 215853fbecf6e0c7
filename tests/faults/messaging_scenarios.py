"""What to cancel in a ``MemoryMessaging``, and what must hold after it."""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import Any

from infrastructure import Message
from infrastructure.messaging.memory import MemoryMessaging

from ._inbox import Inbox
from ._sweep import Scenarios, Steps
from ._watch import ARRIVAL, until

__all__ = ["ROOM", "SCENARIOS"]

SCENARIOS = Scenarios()

ROOM = 20
"""Messages that a topic of this sweep has room for."""


@SCENARIOS.of("publish", least=0)
async def a_publish_with_room(messaging: MemoryMessaging) -> Steps:
    """It does not suspend, and the message arrives."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    yield lambda: messaging.publish("t", 1)
    await inbox.wait_for(1)


@SCENARIOS.of("publish", least=1)
async def a_publish_that_waits_for_room(messaging: MemoryMessaging) -> Steps:
    """Cancelled, its message never arrives; the next in the queue does, once."""
    inbox = Inbox(held=True)
    await messaging.subscribe("t", inbox)

    for number in range(ROOM):
        await messaging.publish("t", Message(number, key="k"))

    async def operation() -> None:
        inbox.let_go_soon()
        await messaging.publish("t", Message("cancelled", key="k"))

    behind = asyncio.ensure_future(_behind(messaging))
    outcome = yield operation
    inbox.let_go_soon()
    await behind
    await inbox.wait_for("behind")
    middle = [] if outcome.reached else ["cancelled"]
    assert sorted(inbox.payloads, key=str) == sorted([*range(ROOM), *middle, "behind"], key=str)


async def _behind(messaging: MemoryMessaging) -> None:
    await asyncio.sleep(0.001)
    await messaging.publish("t", Message("behind", key="k"))


@SCENARIOS.of("publish_many", least=3)
async def many_messages(messaging: MemoryMessaging) -> Steps:
    """The first so many arrive, in order and once; all when it was not cancelled."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    messages = [Message(number, key="k") for number in range(3 * ROOM)]
    outcome = yield lambda: messaging.publish_many("t", messages)
    await messaging.publish("t", Message("end", key="k"))
    await inbox.wait_for("end")
    arrived = inbox.payloads[:-1]
    assert arrived == list(range(len(arrived)))
    assert outcome.reached or len(arrived) == 3 * ROOM


@SCENARIOS.of("subscribe", "subscribe_batch", "unsubscribe", "publish", least=1)
async def a_subscription(messaging: MemoryMessaging) -> Steps:
    """It is there or not; another one of the topic gets what is published later."""

    async def operation() -> None:
        await messaging.subscribe("t", Inbox())
        await messaging.subscribe_batch("t", Inbox(), max_messages=5, max_wait=0.001)
        await messaging.publish("t", 1)
        await messaging.unsubscribe("t")

    yield operation
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    await messaging.publish("t", 2)
    await inbox.wait_for(2)


@SCENARIOS.of("unsubscribe", least=1)
async def an_unsubscribe_that_waits_for_a_handler(messaging: MemoryMessaging) -> Steps:
    """The handler ends, and nothing more is delivered to it."""
    inbox = Inbox(held=True)
    await messaging.subscribe("t", inbox)
    await messaging.publish("t", 1)
    await inbox.begun.wait()

    async def operation() -> None:
        inbox.let_go_soon()
        await messaging.unsubscribe("t")

    yield operation
    inbox.let_go_soon()
    await inbox.wait_for(1)
    await messaging.publish("t", 2)
    await _settled(messaging)
    assert inbox.payloads == [1]


async def _settled(messaging: MemoryMessaging) -> None:
    """Return when another subscription has got what is published now."""
    other = Inbox()
    await messaging.subscribe("other", other)
    await messaging.publish("other", "seen")
    await other.wait_for("seen")


@SCENARIOS.of("subscribe_batch", least=0)
async def a_batch(messaging: MemoryMessaging) -> Steps:
    """To subscribe does not suspend; whole lists arrive."""
    inbox = Inbox()
    yield lambda: messaging.subscribe_batch("t", inbox, max_messages=3, max_wait=0.001)
    await messaging.publish_many("t", [Message(number, key="k") for number in range(7)])
    await until(lambda: [*chain(*inbox.payloads)] == [*range(7)], lambda: inbox.payloads, ARRIVAL)


@SCENARIOS.of("connect", "disconnect", least=2, connected=False)
async def a_life(messaging: MemoryMessaging) -> Steps:
    """It can begin again with its subscription; what was acknowledged is not lost."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    published = False

    async def operation() -> None:
        nonlocal published
        await messaging.connect()
        await messaging.publish("t", 1)
        published = True
        await messaging.disconnect()

    yield operation
    await messaging.connect()
    await messaging.publish("t", 2)
    await inbox.wait_for(2)

    if published:
        await inbox.wait_for(1)


@SCENARIOS.of("connect", least=1, connected=False)
async def a_connect(messaging: MemoryMessaging) -> Steps:
    """All or nothing: cancelled, it is closed again, for nobody would close it."""
    await messaging.subscribe("t", Inbox())

    async def operation() -> None:
        await messaging.connect()

    outcome = yield operation
    await until(lambda: ("connected" in repr(messaging)) is not outcome.reached, lambda: messaging)
    await messaging.connect()


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_that_waits_for_a_handler(messaging: MemoryMessaging) -> Steps:
    """What the handler did not finish is delivered again."""
    inbox = Inbox(held=True)
    await messaging.subscribe("t", inbox)
    await messaging.publish("t", 1)
    await messaging.publish("t", 2)
    await inbox.begun.wait()

    async def operation() -> None:
        inbox.let_go_soon()
        await messaging.disconnect()

    yield operation
    inbox.let_go_soon()
    await until(lambda: repr(messaging).endswith("closed>"), lambda: messaging)
    await messaging.connect()
    await inbox.wait_for(1)
    await inbox.wait_for(2)


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_that_fails_a_publish(messaging: MemoryMessaging) -> Steps:
    """Who waits for room is told that nothing was published."""
    inbox = Inbox(held=True)
    await messaging.subscribe("t", inbox)
    await messaging.publish_many("t", [Message(number, key="k") for number in range(ROOM)])
    waiting = asyncio.ensure_future(messaging.publish("t", Message("late", key="k")))
    await inbox.begun.wait()

    async def operation() -> None:
        inbox.let_go_soon()
        await messaging.disconnect()

    yield operation
    inbox.let_go_soon()
    await asyncio.wait({waiting})
    await until(lambda: repr(messaging).endswith("closed>"), lambda: messaging)
    await messaging.connect()
    await inbox.wait_for(ROOM - 1)
    wanted = {*range(ROOM), *(() if waiting.exception() else ("late",))}
    await until(lambda: set(inbox.payloads) == wanted, lambda: inbox.payloads, ARRIVAL)


@SCENARIOS.of("__aenter__", "__aexit__", least=2, connected=False)
async def a_block(messaging: MemoryMessaging) -> Steps:
    """Cancelled anywhere, it is closed; what was not finished is delivered again."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    published: list[Any] = []

    async def operation() -> None:
        async with messaging:
            await messaging.publish("t", 1)
            published.append(1)
            await asyncio.sleep(0)

    yield operation
    await until(lambda: repr(messaging).endswith("closed>"), lambda: messaging)
    await messaging.connect()

    for payload in published:
        await inbox.wait_for(payload)
