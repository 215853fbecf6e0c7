"""F1: nobody listens, or no more."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from infrastructure import ConnectionError, TimeoutError, deadline
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ...servers.kafka_server import KafkaServer
from ...servers.ports import HOST, free_port
from .._inbox import Inbox
from .._outcomes import all_ended
from .._timing import PATIENT, SLACK, healed, within
from .._watch import ARRIVAL, nothing_left, until
from ._messagings import DEADLINE, fresh, logged, make_messaging

pytestmark = pytest.mark.slow


async def test_F1_a_connect_is_refused_and_leaves_nothing() -> None:
    """``connect`` says so at once; no task, no thread and no socket stays, time after time."""
    messaging = make_messaging(ChaosProxy((HOST, 1), port=free_port()))

    async with nothing_left():
        for _ in range(3):
            refused = pytest.raises(ConnectionError, match="refused")

            with within(DEADLINE), deadline(PATIENT), refused as caught:
                await messaging.connect()

    assert caught.value.__cause__ is not None
    assert (caught.value.retryable, caught.value.outcome) == (True, "not_applied")
    assert caught.value.operation == "connect"


async def test_F1_a_connect_works_once_the_broker_is_there(proxy: ChaosProxy, topic: str) -> None:
    """The same messaging connects, after many refusals too, with what was subscribed before."""
    messaging, inbox = make_messaging(proxy), Inbox()
    await messaging.subscribe(topic, inbox)
    proxy.refuse()

    for _ in range(10):
        with pytest.raises(ConnectionError):
            await messaging.connect()

    proxy.heal()

    with deadline(5):
        async with messaging:
            await messaging.publish(topic, "first")
            await inbox.wait_for("first")


async def test_F1_one_of_several_brokers_suffices(proxy: ChaosProxy, topic: str) -> None:
    """Those that refuse hinder nobody, where the others are slow too."""
    proxy.delay(0.1)
    dead = ",".join(f"{HOST}:{free_port()}" for _ in range(3))

    for url in (f"kafka://{dead},{HOST}:{proxy.port}", f"kafka://{HOST}:{proxy.port},{dead}"):
        async with KafkaMessaging(url, deadline=5) as messaging:
            await messaging.publish(topic, "first")


async def test_F1_a_broker_that_is_gone_for_a_moment_is_waited_for(
    messaging: KafkaMessaging, broker: KafkaServer, proxy: ChaosProxy, topic: str
) -> None:
    """Every publish ends by its deadline; the first one afterwards works, and the log tells no other story."""
    acknowledged, refused = {"before"}, set()

    for cycle in range(2):
        proxy.refuse()
        proxy.reset()
        lost = [f"{cycle} lost {number}" for number in range(50)]
        ends = await all_ended([partial(messaging.publish, topic, one) for one in lost], DEADLINE)
        assert {type(end) for end in ends} <= {ConnectionError, TimeoutError}
        refused |= {one for one, end in zip(lost, ends, strict=True) if _not_applied(end)}
        proxy.heal()

        with healed():
            await messaging.publish(topic, cycle)

        acknowledged.add(cycle)

    found = [payload for _, payload in logged(broker, topic)]
    assert acknowledged <= set(found)
    assert not refused & set(found)
    assert len(found) == len(set(found))


def _not_applied(end: Any) -> bool:
    return bool(end.outcome == "not_applied")


async def test_F1_what_waits_in_an_outage_is_never_sent(
    messaging: KafkaMessaging, broker: KafkaServer, proxy: ChaosProxy, topic: str
) -> None:
    """Few find out whether the broker is back; of the others those go later that somebody still wants."""
    proxy.refuse()
    proxy.reset()
    publisher = messaging._publisher
    assert publisher is not None
    await until(lambda: publisher._outage.is_open, lambda: publisher.trouble, ARRIVAL)
    waits = [f"waits {number}" for number in range(100)]

    with deadline(0.2):
        late = [asyncio.ensure_future(messaging.publish(topic, one)) for one in waits]

    with deadline(None):
        cancelled = asyncio.ensure_future(messaging.publish(topic, "cancelled"))
        wanted = asyncio.ensure_future(messaging.publish(topic, "wanted"))

    await asyncio.sleep(0)
    cancelled.cancel()

    with within(0.2 + SLACK):
        told = await asyncio.gather(*late, return_exceptions=True)

    ends = dict(zip(waits, told, strict=True))
    assert all(isinstance(end, TimeoutError) and end.retryable for end in ends.values())
    assert [_not_applied(ends[one]) for one in waits[-50:]] == [True] * 50
    proxy.heal()

    with healed():
        await messaging.publish(topic, "after")

    await wanted
    found = [payload for _, payload in logged(broker, topic)]
    assert len(found) == len(set(found))
    assert {"before", "wanted", "after"} <= set(found)
    assert not any(_not_applied(ends[one]) for one in waits if one in found)
    assert "cancelled" not in found


async def test_F1_publishes_to_new_topics_hold_up_nobody_afterwards(
    messaging: KafkaMessaging, broker: KafkaServer, proxy: ChaosProxy
) -> None:
    """What hundreds asked about topics, and gave up, is not asked of the broker when it is back."""
    proxy.black_hole()

    with deadline(0.2):
        calls = [partial(messaging.publish, fresh(), number) for number in range(500)]
        ends = await all_ended(calls, 0.2)

    assert {end.outcome for end in ends} == {"not_applied"}
    proxy.heal()
    # Then what is asked for nothing takes its time.
    proxy.delay(0.01)

    async with broker.topic() as other:
        with healed():
            await messaging.publish(other, "first")
