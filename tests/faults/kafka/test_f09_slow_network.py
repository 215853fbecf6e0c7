"""F9: the network delivers byte by byte, or late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from infrastructure import Message, current_message
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.waiting import until
from .._watch import nothing_left
from ._messagings import make_messaging

pytestmark = pytest.mark.slow

Slow = Callable[[ChaosProxy], None]

SLOW: dict[str, Slow] = {
    "1-byte pieces": lambda proxy: proxy.split(1),
    "7-byte pieces": lambda proxy: proxy.split(7),
    "20 ms of delay": lambda proxy: proxy.delay(0.02),
    "1-byte pieces to the client, late": lambda proxy: (
        proxy.split(1, "to_client"),
        proxy.delay(0.005, "to_client"),
    )[0],
}


class Seen:
    """A handler that notes all that it may know of its messages, by key."""

    def __init__(self) -> None:
        self.found: dict[object, list[tuple[object, dict[str, object]]]] = {}

    async def __call__(self, payload: object) -> None:
        message = current_message()
        self.found.setdefault(message.key, []).append((payload, dict(message.headers)))


async def use(messaging: KafkaMessaging, topic: str, who: int) -> None:
    """Publish what belongs to ``who``, in each way."""
    for number in range(5):
        headers = {"who": str(who), "نام": "گیرنده"}
        await messaging.publish(topic, Message("x" * number, key=f"key {who}", headers=headers))

    many = [Message(number, key=f"key {who}") for number in range(40)]
    await messaging.publish_many(topic, many)


def wanted(who: int) -> list[tuple[object, dict[str, object]]]:
    """Return what the handler must see of it."""
    headers: dict[str, object] = {"who": str(who), "نام": "گیرنده"}
    return [*(("x" * n, headers) for n in range(5)), *((n, {}) for n in range(40))]


@pytest.mark.parametrize("slow", SLOW.values(), ids=SLOW)
async def test_F9_messages_are_right(proxy: ChaosProxy, topic: str, slow: Slow) -> None:
    """Of five tasks at once: each in its order, with key and headers, once."""
    seen = Seen()

    async with nothing_left(), make_messaging(proxy, deadline=10) as messaging:
        await messaging.subscribe(topic, seen)
        slow(proxy)
        await asyncio.gather(*(use(messaging, topic, who) for who in range(5)))
        mine = {f"key {who}": wanted(who) for who in range(5)}
        await until(lambda: seen.found == mine)
        proxy.heal()


async def test_F9_a_life_over_a_slow_network(proxy: ChaosProxy, topic: str) -> None:
    """Connected, subscribed and left byte by byte, it is one."""
    proxy.split(1)
    seen = Seen()

    async with nothing_left(), make_messaging(proxy, deadline=10) as messaging:
        await messaging.subscribe(topic, seen)
        await messaging.publish(topic, "first")
        await until(lambda: seen.found == {None: [("first", {})]})
        assert await messaging.lag() in ({topic: 0}, {topic: 1}, {})
        await messaging.unsubscribe(topic)


async def test_F9_a_large_message_in_small_pieces_is_right(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """Its pieces end anywhere, both ways."""
    value, seen = bytes(range(256)) * 1000, Seen()
    proxy.split(997)
    await messaging.publish(topic, Message(value, key="large"))
    await messaging.subscribe(topic, seen)
    await until(lambda: seen.found.get("large") == [(value, {})])
