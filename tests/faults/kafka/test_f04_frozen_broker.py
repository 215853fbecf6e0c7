"""F4: the broker's process is stopped and goes on later: what was sent meanwhile is stored once at most."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from functools import partial

import pytest
from confluent_kafka import TopicPartition

from infrastructure import InfrastructureError, Message, TimeoutError, deadline
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_server import KafkaServer
from ...servers.waiting import until
from .._inbox import Inbox
from .._outcomes import all_ended
from .._sessions import BRIEF, shorten_session
from .._timing import SLACK, SOAK, healed, within
from .._watch import nothing_left
from ._messagings import CLOSING, DEADLINE, Note, logged, make_messaging

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_REJOINED = 20.0
"""Seconds in which a group has forgotten a member of which it hears no more."""

FROZEN = 20.0 if SOAK else 0.1
"""Seconds for which the broker stands still when the calls have ended."""


@pytest.fixture
async def direct(broker: KafkaServer, topic: str) -> AsyncIterator[KafkaMessaging]:
    """Give a connected messaging that has published to its topic; it leaves nothing."""
    async with nothing_left(), make_messaging(broker) as messaging:
        await messaging.publish(topic, "before")
        yield messaging

        if broker.is_frozen:
            broker.thaw()


@pytest.mark.soak
async def test_F4_a_message_is_stored_once_at_most(
    direct: KafkaMessaging, broker: KafkaServer, topic: str, record_property: Note
) -> None:
    """Of a hundred none that was denied, none twice, each key in order; the first one afterwards works."""
    broker.freeze()
    lost = [Message(n, key=f"key {n % 10}") for n in range(100)]
    ends = await all_ended([partial(direct.publish, topic, one) for one in lost], DEADLINE)
    assert {type(end) for end in ends} == {TimeoutError}
    await asyncio.sleep(FROZEN)
    broker.thaw()
    # It was frozen for longer than it may be silent.
    await broker.leads(topic)

    with healed():
        await direct.publish(topic, "after")

    found = [payload for _, payload in logged(broker, topic)]
    assert (found[0], found[-1]) == ("before", "after")
    stored = found[1:-1]
    assert len(stored) == len(set(stored))
    assert stored == sorted(stored)
    assert set(stored) <= {n for n, end in enumerate(ends) if end.outcome == "unknown"}
    record_property("seconds frozen", FROZEN)
    record_property("publishes of unknown outcome", sum(e.outcome == "unknown" for e in ends))
    record_property("of them stored", len(stored))


@pytest.mark.soak
async def test_F4_what_waits_long_enough_succeeds(broker: KafkaServer, topic: str) -> None:
    """A publish whose deadline is later than the thaw is acknowledged, once stored."""
    async with make_messaging(broker, deadline=FROZEN + 10) as messaging:
        await messaging.publish(topic, "before")
        broker.freeze()
        waiting = [asyncio.ensure_future(messaging.publish(topic, n)) for n in range(100)]
        await asyncio.sleep(FROZEN)
        assert not any(each.done() for each in waiting)
        broker.thaw()
        await asyncio.gather(*waiting)

    assert [payload for _, payload in logged(broker, topic)] == ["before", *range(100)]


async def test_F4_a_subscriber_goes_on(
    direct: KafkaMessaging, broker: KafkaServer, topic: str
) -> None:
    """What was handled is not handled again, what comes afterwards is."""
    inbox = Inbox()
    await direct.subscribe(topic, inbox)
    await inbox.wait_for("before")
    broker.freeze()
    await all_ended([partial(direct.publish, topic, "lost")], DEADLINE)
    broker.thaw()
    await broker.leads(topic)
    await direct.publish(topic, "after")
    await inbox.wait_for("after")
    assert inbox.payloads in (["before", "after"], ["before", "lost", "after"])


async def test_F4_a_disconnect_does_not_wait_for_it(
    direct: KafkaMessaging, broker: KafkaServer, topic: str
) -> None:
    """It ends in time, and what was under way with it; ``connect`` works again when the broker does."""
    inbox = Inbox()
    await direct.subscribe(topic, inbox)
    await inbox.wait_for("before")
    broker.freeze()
    asked = asyncio.ensure_future(direct.publish(topic, "lost"))
    await asyncio.sleep(0)

    with within(CLOSING + SLACK):
        await direct.disconnect()

    [end] = await asyncio.gather(asked, return_exceptions=True)
    assert isinstance(end, InfrastructureError)
    assert end.outcome == "unknown"
    broker.thaw()
    await broker.leads(topic)

    with deadline(_REJOINED):
        await direct.connect()

    with healed():
        await direct.publish(topic, "after")


def threads() -> list[str]:
    """Return the names of our own threads."""
    return [each.name for each in threading.enumerate() if each.name.startswith("kafka ")]


@pytest.mark.parametrize("member", [{}, {"group_instance_id": "one"}], ids=["dynamic", "static"])
async def test_F4_no_thread_waits_for_it(
    broker: KafkaServer, topic: str, member: dict[str, str]
) -> None:
    """It ends with the disconnect; where a commit is under way, with the session of the group."""
    for is_committed in (True, False):
        inbox = Inbox()
        # It was frozen for longer than it may be silent.
        await broker.leads(topic)
        await broker.open_groups()
        brief = shorten_session(make_messaging(broker, **member))

        async with nothing_left(), brief as messaging:
            await messaging.subscribe(topic, inbox)
            await messaging.publish(topic, is_committed)
            await inbox.wait_for(is_committed)

            if is_committed:
                await until(lambda: _is_committed(broker, messaging, topic))

            broker.freeze()

            with within(CLOSING + SLACK):
                await messaging.disconnect()

            with within(2.0 if is_committed else BRIEF + 3.0):
                await until(lambda: not threads(), BRIEF + 5.0)

            broker.thaw()


def _is_committed(broker: KafkaServer, messaging: KafkaMessaging, topic: str) -> bool:
    """Return whether the group has committed something of the topic."""
    with closing(broker.consumer(messaging._settings.group)) as consumer:
        [told] = consumer.committed([TopicPartition(topic, 0)], 5)
        return bool(told.offset >= 0)
