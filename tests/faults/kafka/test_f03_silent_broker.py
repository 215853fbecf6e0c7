"""F3: a black hole: connections stay, nothing is answered."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from infrastructure import InfrastructureError, Message, TimeoutError, deadline
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy
from infrastructure.testing.proxy import Direction

from ...servers.kafka_server import KafkaServer
from .._inbox import Inbox
from .._outcomes import all_ended, ended
from .._timing import SLACK, healed, within
from .._watch import nothing_left
from ._messagings import CLOSING, DEADLINE, logged, make_messaging

pytestmark = pytest.mark.slow

Call = Callable[[], Awaitable[Any]]


def publishes(messaging: KafkaMessaging, topic: str) -> dict[str, Call]:
    """Return what writes to ``topic``."""
    keyed = Message("keyed", key="k", headers={"name": "value"})
    return {
        "publish": partial(messaging.publish, topic, "plain"),
        "publish with a key": partial(messaging.publish, topic, keyed),
        "publish of a large one": partial(messaging.publish, topic, "x" * 500_000),
        "publish_many": partial(messaging.publish_many, topic, ["many 1", "many 2"]),
    }


def others(messaging: KafkaMessaging, topic: str) -> dict[str, Call]:
    """Return what sends no message."""
    return {
        "publish to a new topic": partial(messaging.publish, f"{topic}-new", "plain"),
        "publish_many to a new topic": partial(messaging.publish_many, f"{topic}-new", ["many"]),
        "subscribe": partial(messaging.subscribe, topic, Inbox()),
        "subscribe_batch": partial(messaging.subscribe_batch, topic, Inbox()),
        "lag": messaging.lag,
    }


@pytest.mark.parametrize("direction", ["to_server", "to_client", "both"])
async def test_F3_every_call_ends_by_its_deadline(
    messaging: KafkaMessaging,
    broker: KafkaServer,
    proxy: ChaosProxy,
    topic: str,
    direction: Direction,
) -> None:
    """What was handed over has an unknown outcome, the rest none; the first publish after healing works."""
    proxy.black_hole(direction)
    writes, rest = publishes(messaging, topic), others(messaging, topic)

    with deadline(DEADLINE):
        ends = await all_ended([*writes.values(), *rest.values()], DEADLINE)

    assert [end for end in ends if type(end) is not TimeoutError] == []
    outcomes = dict(zip([*writes, *rest], [end.outcome for end in ends], strict=True))
    assert {outcomes[name] for name in writes} == {"unknown"}
    # They wait to be joined, and will be.
    assert {outcomes.pop(name) for name in ("subscribe", "subscribe_batch")} == {"unknown"}
    assert {outcomes[name] for name in rest if name in outcomes} == {"not_applied"}
    proxy.heal()

    with healed():
        await messaging.publish(topic, "after")

    found = [payload for _, payload in logged(broker, topic)]
    assert len(found) == len(set(found))
    assert {"before", "after"} <= set(found)
    assert set(found) <= {"before", "plain", "keyed", "x" * 500_000, "many 1", "many 2", "after"}


async def test_F3_the_first_call_after_healing_works_whatever_it_is(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """What came too late for its caller holds up nobody."""
    for call in publishes(messaging, topic).values():
        proxy.black_hole()

        with deadline(0.1):
            assert isinstance(await ended(call, 0.1), TimeoutError)

        proxy.heal()

        with healed():
            await call()


async def test_F3_what_was_not_handed_over_is_never_sent(
    messaging: KafkaMessaging, broker: KafkaServer, proxy: ChaosProxy, topic: str
) -> None:
    """Overdue, it is told as not applied, for ever; what had left may be stored, once and in order."""
    # Of brokers that are slow a further batch leaves later, and late ones have to wait longer.
    proxy.delay(0.02)
    await messaging.publish(topic, Message("slow", key="key"))
    proxy.heal()
    proxy.black_hole()
    ends: list[Any] = []

    async with asyncio.timeout(10):
        # Where the machine stands still meanwhile they leave, or have not even begun.
        while not any(end.outcome == "not_applied" and end.retryable for end in ends):
            ends += await _some(messaging, topic, first=len(ends))

    assert {type(end) for end in ends} == {TimeoutError}
    assert {end.outcome for end in ends} == {"unknown", "not_applied"}
    proxy.heal()
    # Behind it nothing can come: it is of their partition.
    await messaging.publish(topic, Message("after", key="key"))
    before, slow, *found, after = [payload for _, payload in logged(broker, topic)]
    assert (before, slow, after) == ("before", "slow", "after")
    assert found == sorted(set(found))
    assert {ends[number].outcome for number in found} <= {"unknown"}


async def _some(messaging: KafkaMessaging, topic: str, *, first: int) -> list[Any]:
    """Publish numbers: two that may leave, behind them those that have to wait; return their errors."""
    tasks = []

    with deadline(0.02):
        for number in range(first, first + 20):
            call = messaging.publish(topic, Message(number, key="key"))
            tasks.append(asyncio.ensure_future(call))

            for _ in range(3 if number < first + 2 else 0):
                await asyncio.sleep(0)

        return await asyncio.gather(*tasks, return_exceptions=True)


async def test_F3_many_that_time_out_are_complained_of_once(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """``publish_many`` raises the error of the first one, and asyncio has nothing to add."""
    proxy.black_hole()

    with deadline(0.1), within(0.1 + SLACK), pytest.raises(TimeoutError) as caught:
        await messaging.publish_many(topic, range(500))

    assert (caught.value.row_index, caught.value.outcome) == (0, "unknown")
    del caught
    # The fixture listens to what is said now.
    gc.collect()


async def test_F3_a_cancelled_publish_many_ends_at_once(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """Whatever it waits for: its turn, a topic, the answers; nothing is complained of afterwards."""
    proxy.black_hole()

    for name in (topic, f"{topic}-new"):
        for turns in (0, 1, 2, 3, 5, 20):
            many = asyncio.ensure_future(messaging.publish_many(name, range(5000)))

            for _ in range(turns):
                await asyncio.sleep(0)

            many.cancel()

            with within(SLACK):
                await asyncio.wait({many})

            assert many.cancelled()

    del many
    gc.collect()


async def test_F3_a_connect_ends_by_its_deadline(proxy: ChaosProxy, topic: str) -> None:
    """It leaves nothing, and the next one works."""
    proxy.black_hole()
    messaging = make_messaging(proxy)

    async with nothing_left():
        with within(DEADLINE + SLACK), pytest.raises(TimeoutError) as caught:
            await messaging.connect()

        # It holds what the client has closed.
        proxy.heal()

    assert caught.value.outcome == "not_applied"

    with healed():
        async with messaging:
            await messaging.publish(topic, "first")


async def test_F3_a_disconnect_ends_in_time(proxy: ChaosProxy, topic: str) -> None:
    """What was under way has ended then; it leaves nothing, and ``connect`` works again."""
    messaging, inbox = make_messaging(proxy, deadline=20), Inbox()

    async with nothing_left():
        await messaging.connect()
        await messaging.subscribe(topic, inbox)
        await messaging.publish(topic, "first")
        await inbox.wait_for("first")
        proxy.black_hole()
        calls = publishes(messaging, topic)

        with within(CLOSING + SLACK):
            *ends, _ = await all_ended([*calls.values(), messaging.disconnect], CLOSING)

        proxy.heal()

    assert [end for end in ends if not isinstance(end, InfrastructureError)] == []
    assert {end.outcome for end in ends} == {"unknown"}

    async with messaging:
        await messaging.publish(topic, "second")
        await inbox.wait_for("second")


async def test_F3_a_cancelled_body_is_left_within_a_second(proxy: ChaosProxy, topic: str) -> None:
    """The exit of an ``async with`` neither drains nor waits for the broker then; it leaves nothing."""
    inbox = Inbox(held=True)

    async def body() -> None:
        async with make_messaging(proxy, deadline=20, drain_timeout=20) as messaging:
            await messaging.subscribe(topic, inbox)
            await messaging.publish(topic, "first")
            await inbox.begun.wait()
            proxy.black_hole()
            await messaging.publish(topic, "second")

    async with nothing_left():
        task = asyncio.ensure_future(body())
        await inbox.begun.wait()
        await asyncio.sleep(0.05)
        task.cancel()

        with within(1 + SLACK):
            await asyncio.wait({task})

        assert task.cancelled()
        proxy.heal()


async def test_F3_dead_letters_are_left_at_once(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """By who gives up to open them, to read them, to replay them; no thread stays."""

    async def look(go_on: asyncio.Event) -> None:
        go_on.set()

        async with messaging.dead_letters(topic, stored_in=topic) as box:
            async for letters in box:
                await box.replay(letters)

    for seconds in (0.0, 0.01, 0.1):
        proxy.black_hole()
        going = asyncio.Event()
        task = asyncio.ensure_future(look(going))
        await going.wait()
        await asyncio.sleep(seconds)
        task.cancel()

        with within(SLACK):
            await asyncio.wait({task})

        assert task.cancelled()
        proxy.heal()


async def test_F3_an_unsubscribe_ends_by_its_deadline(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """Afterwards nothing more is handled; a new subscription works when the network does."""
    inbox = Inbox()
    await messaging.subscribe(topic, inbox)
    await inbox.wait_for("before")
    proxy.black_hole()

    with deadline(DEADLINE):
        await ended(partial(messaging.unsubscribe, topic), DEADLINE)

    proxy.heal()
    again = Inbox()

    with deadline(5):
        await messaging.subscribe(topic, again)
        await messaging.publish(topic, "after")

    await again.wait_for("after")
    assert inbox.payloads == ["before"]


async def test_F3_a_subscriber_goes_on_after_healing(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """What was published meanwhile by others comes too, soon."""
    inbox = Inbox()
    await messaging.subscribe(topic, inbox)

    for number in range(3):
        proxy.black_hole()
        await ended(partial(messaging.publish, topic, f"lost {number}"), DEADLINE)
        proxy.heal()
        await messaging.publish(topic, number)

        with within(2.0):
            await inbox.wait_for(number)


async def test_F3_a_connection_whose_peer_vanished_is_replaced(
    messaging: KafkaMessaging, proxy: ChaosProxy, topic: str
) -> None:
    """Its socket says nothing for ever, while the broker answers others: publishes work again within 8 s."""
    proxy.cut("to_server")

    with within(8):
        while isinstance(await ended(partial(messaging.publish, topic, 1), DEADLINE), TimeoutError):
            pass
