"""Connect and disconnect."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ...interfaces import ConfigurationError, ConnectionError, Message, MessagingInterface
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._expect import raises
from ._inbox import Inbox, patience, topic

__all__ = [
    "G3_async_with_connects_and_disconnects",
    "G3_connect_and_disconnect_are_idempotent",
    "G3_disconnect_under_load_ends",
    "G3_lifecycles_share_one_attempt",
    "G4_methods_name_themselves_when_not_connected",
    "G8_use_from_another_loop_is_refused",
]


@check()
async def G3_connect_and_disconnect_are_idempotent(harness: MessagingHarness) -> None:
    """Twice is once, disconnect before connect is nothing, and connect works again."""
    name, inbox = topic("idempotent"), Inbox()
    messaging = harness.make()
    await messaging.disconnect()

    for number in range(2):
        await messaging.connect()
        await messaging.connect()
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, number)
        await inbox.wait_until(lambda: number in inbox.payloads, f"message {number}")  # noqa: B023 - awaited in the loop
        await messaging.disconnect()
        await messaging.disconnect()


@check()
async def G3_async_with_connects_and_disconnects(harness: MessagingHarness) -> None:
    """Inside the block publish works, after it no more."""
    async with harness.make() as messaging:
        await messaging.publish(topic("with"), 1)

    await raises(ConnectionError, messaging.publish(topic("with"), 2), "publish after the block")


@check(feature="lifecycle")
async def G3_lifecycles_share_one_attempt(harness: MessagingHarness) -> None:
    """Ten at once all succeed, and one disconnect ends them."""
    name, inbox, successor = topic("shared"), Inbox(), Inbox()
    messaging = harness.make(group_id="g")
    await messaging.subscribe(name, inbox)
    await asyncio.gather(*(messaging.connect() for _ in range(10)))
    await messaging.publish(name, 1)
    equal(await inbox.wait(1), [1])
    await asyncio.gather(*(messaging.disconnect() for _ in range(10)))

    async with harness.make(group_id="g") as other:
        await other.subscribe(name, successor)
        await other.publish_many(name, [Message(n, key=f"k{n}") for n in range(40)])
        await successor.wait_until(lambda: set(successor.payloads) >= set(range(40)), "0 to 39")

    equal(inbox.payloads, [1])


@check(feature="lifecycle")
async def G3_disconnect_under_load_ends(harness: MessagingHarness) -> None:
    """While a hundred tasks publish, disconnect returns, and each of them ends."""
    name, inbox = topic("load"), Inbox()
    messaging = harness.make()
    await messaging.connect()
    await messaging.subscribe(name, inbox)

    async def publish() -> int:
        published = 0

        while True:
            try:
                await messaging.publish(name, published)
            except ConnectionError:
                return published

            published += 1
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(publish()) for _ in range(100)]
    await inbox.wait(100)

    async with patience(lambda: "disconnect and the publishers to end"):
        await messaging.disconnect()
        await asyncio.gather(*tasks)


_CALLS: dict[str, Callable[[MessagingInterface, str], Awaitable[None]]] = {
    "publish": lambda messaging, name: messaging.publish(name, 1),
    "unsubscribe": lambda messaging, name: messaging.unsubscribe(name),
}


@check()
async def G4_methods_name_themselves_when_not_connected(harness: MessagingHarness) -> None:
    """Before connect and after disconnect they raise ``ConnectionError`` with their name."""
    messaging = harness.make()

    for moment in ("before connect", "after disconnect"):
        for method, call in _CALLS.items():
            what = f"{method} {moment}"
            error = await raises(ConnectionError, call(messaging, topic("closed")), what)
            assert method in str(error), f"{what}: the text is {error}"
            assert error.retryable, f"{what}: not retryable"

        await messaging.connect()
        await messaging.disconnect()


@check(feature="loop_owner")
async def G8_use_from_another_loop_is_refused(harness: MessagingHarness) -> None:
    """Another event loop gets a ``ConfigurationError``, and the owner is not disturbed."""
    name, inbox = topic("loops"), Inbox()

    async with harness.make() as messaging:
        await messaging.subscribe(name, inbox)

        def elsewhere() -> None:
            publish = messaging.publish(name, "elsewhere")
            asyncio.run(raises(ConfigurationError, publish, "publish in another loop"))

        await asyncio.to_thread(elsewhere)
        await messaging.publish(name, Message("here", key="k"))
        equal(await inbox.wait(1), ["here"])
