"""Subscriptions that meet another one, or the end of a connect."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure import ConfigurationError
from infrastructure.messaging._delivery import DeliveryEngine
from infrastructure.messaging._options import DeliveryOptions
from infrastructure.messaging.memory import MemoryMessaging
from infrastructure.messaging.memory._member import Member

from ...servers.waiting import until


class Gated(MemoryMessaging):
    """Looks for dead-letter topics as long as the test wants; refuses them where it says so."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.refused: set[str] = set()
        self.gate = asyncio.Event()

    def _make_engine(self, member: Member) -> DeliveryEngine:
        engine = super()._make_engine(member)
        prepare = engine.prepare

        async def gated(topic: str, options: DeliveryOptions) -> None:
            self.looks += 1
            await self.gate.wait()

            if options.dead_letters_of(topic) in self.refused:
                msg = "not that one"
                raise ConfigurationError(msg)

            await prepare(topic, options)

        engine.prepare = gated  # type: ignore[method-assign]
        return engine


class Handler:
    """Notes what it gets."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def __call__(self, payload: Any) -> None:
        self.got.append(payload)


async def test_a_handler_that_is_subscribed_twice_at_once_is_called() -> None:
    """The second one does not join before the first has made ready what it needs."""
    handler = Handler()

    async with Gated() as messaging:
        first = asyncio.create_task(messaging.subscribe("t", handler))
        second = asyncio.create_task(messaging.subscribe("t", handler))
        await until(lambda: messaging.looks)
        await asyncio.sleep(0.02)
        assert not second.done()
        messaging.gate.set()
        await asyncio.gather(first, second)
        assert messaging.looks == 1
        await messaging.publish("t", 1)
        await until(lambda: handler.got == [1])


@pytest.mark.parametrize("others", [1, 3])
async def test_it_stays_for_the_second_where_the_first_gives_up(others: int) -> None:
    """Each that returns is subscribed."""
    handler = Handler()

    async with Gated() as messaging:
        first = asyncio.create_task(messaging.subscribe("t", handler))
        await until(lambda: messaging.looks)
        waiting = [asyncio.create_task(messaging.subscribe("t", handler)) for _ in range(others)]
        await asyncio.sleep(0)
        first.cancel()
        messaging.gate.set()
        await asyncio.gather(*waiting)
        assert first.cancelled()
        assert messaging.looks == 2
        await messaging.publish("t", 1)
        await until(lambda: handler.got == [1])


async def test_where_all_give_up_it_is_gone() -> None:
    """Nothing of it stays for whoever subscribes that topic next."""
    handler, other = Handler(), Handler()

    async with Gated() as messaging:
        given_up = [asyncio.create_task(messaging.subscribe("t", handler)) for _ in range(3)]
        await until(lambda: messaging.looks)

        for each in given_up:
            each.cancel()

        await asyncio.wait(given_up)
        messaging.gate.set()
        await messaging.subscribe("t", other)
        await messaging.publish("t", 1)
        await until(lambda: other.got == [1])

    assert handler.got == []


async def test_each_is_told_of_its_own_dead_letters() -> None:
    """Of those of another handler, which may not be made, only who subscribed that one."""
    handler, other = Handler(), Handler()

    async with Gated() as messaging:
        messaging.refused = {"bad"}
        first = asyncio.create_task(messaging.subscribe("t", handler, dead_letter_topic="bad"))
        again = asyncio.create_task(messaging.subscribe("t", handler, dead_letter_topic="bad"))
        await until(lambda: messaging.looks)
        second = asyncio.create_task(messaging.subscribe("t", other))
        messaging.gate.set()
        await second

        for each in (first, again):
            with pytest.raises(ConfigurationError, match="not that one"):
                await each

        await messaging.publish("t", 1)
        await until(lambda: other.got == [1])

    assert handler.got == []


async def test_what_was_remembered_stays_whoever_fails_later() -> None:
    """Between two connections it is remembered; an older call that hangs in the first one is not its own."""
    handler, messaging = Handler(), Gated()
    await messaging.connect()
    older = asyncio.create_task(messaging.subscribe("t", handler))
    await until(lambda: messaging.looks)
    await messaging.disconnect()
    await messaging.subscribe("t", handler)
    older.cancel()
    await asyncio.wait({older})
    messaging.gate.set()

    async with messaging:
        await messaging.publish("t", 1)
        await until(lambda: handler.got == [1])


@pytest.mark.parametrize("turns", range(8))
async def test_what_is_subscribed_as_connect_ends_is_engaged(turns: int) -> None:
    """In whichever turn of the loop it is."""
    handler, messaging = Handler(), MemoryMessaging()

    async def subscribe() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

        await messaging.subscribe("t", handler)

    try:
        await asyncio.gather(messaging.connect(), subscribe())
        await messaging.publish("t", turns)
        await until(lambda: handler.got == [turns])
    finally:
        await messaging.disconnect()
