"""What to cancel in a ``KafkaMessaging`` beside what it shares with the one in memory."""

from __future__ import annotations

import asyncio
from itertools import chain

from infrastructure import Message

from .._inbox import Inbox
from .._sweep import Scenarios, Steps
from .._watch import ARRIVAL, until
from ._apart import Apart

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()


@SCENARIOS.of("publish", least=1)
async def a_publish(messaging: Apart) -> Steps:
    """Cancelled it may have been sent, once; the next ones are, in order."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    outcome = yield lambda: messaging.publish("t", Message("cancelled", key="k"))
    await messaging.publish("t", Message("behind", key="k"))
    await inbox.wait_for("behind")
    both = ["cancelled", "behind"]
    assert inbox.payloads in ([both, ["behind"]] if outcome.reached else [both])


@SCENARIOS.of("publish", least=2)
async def a_publish_to_a_new_topic(messaging: Apart) -> Steps:
    """The topic is there or not; the next publish makes it where it is not."""
    yield lambda: messaging.publish("new", Message("cancelled", key="k"))
    inbox = Inbox()
    await messaging.publish("new", Message("behind", key="k"))
    await messaging.subscribe("new", inbox)
    await inbox.wait_for("behind")
    assert inbox.payloads in (["cancelled", "behind"], ["behind"])


@SCENARIOS.of("publish", least=1)
async def publishes_beside_it(messaging: Apart) -> Steps:
    """Of those that share its batch none is touched."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    beside: list[asyncio.Future[None]] = []

    async def operation() -> None:
        beside.extend(
            asyncio.ensure_future(messaging.publish("t", Message(number, key=f"k{number}")))
            for number in range(10)
        )
        await messaging.publish("t", Message("cancelled", key="k"))

    yield operation
    await asyncio.gather(*beside)
    await until(lambda: set(range(10)) <= set(inbox.payloads), lambda: inbox.payloads, ARRIVAL)


@SCENARIOS.of("publish_many", least=3)
async def many_messages(messaging: Apart) -> Steps:
    """The first so many arrive, in order and once; all when it was not cancelled."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    messages = [Message(number, key="k") for number in range(2500)]
    outcome = yield lambda: messaging.publish_many("t", messages)
    await messaging.publish("t", Message("end", key="k"))
    await inbox.wait_for("end")
    arrived = inbox.payloads[:-1]
    assert arrived == list(range(len(arrived)))
    assert outcome.reached or len(arrived) == 2500


@SCENARIOS.of("subscribe_batch", least=1)
async def a_batch(messaging: Apart) -> Steps:
    """It is there or not; once more it is, and whole lists arrive."""
    inbox = Inbox()
    yield lambda: messaging.subscribe_batch("t", inbox, max_messages=3, max_wait=0.001)
    await messaging.subscribe_batch("t", inbox, max_messages=3, max_wait=0.001)
    await messaging.publish_many("t", [Message(number, key="k") for number in range(7)])
    await until(lambda: [*chain(*inbox.payloads)] == [*range(7)], lambda: inbox.payloads, ARRIVAL)


@SCENARIOS.of("subscribe", least=1)
async def a_second_topic(messaging: Apart) -> Steps:
    """The first one goes on whatever becomes of it; the second one works when it is subscribed again."""
    first, second = Inbox(), Inbox()
    await messaging.subscribe("t", first)
    yield lambda: messaging.subscribe("u", Inbox())
    await messaging.publish("t", 1)
    await messaging.publish("u", 1)
    await first.wait_for(1)
    await messaging.subscribe("u", second)
    await messaging.publish("u", 2)
    await second.wait_for(2)


@SCENARIOS.of("subscribe", least=1)
async def a_subscription_that_is_given_up(messaging: Apart) -> Steps:
    """What comes while nobody has subscribed is not lost: who subscribes later gets it."""

    async def operation() -> None:
        await messaging.subscribe("t", Inbox(held=True))

    yield operation
    await messaging.unsubscribe("t")
    await messaging.publish("t", Message("meanwhile", key="k"))
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    await messaging.publish("t", Message("after", key="k"))
    await inbox.wait_for("after")
    assert inbox.payloads == ["meanwhile", "after"]


@SCENARIOS.of("lag", least=1)
async def a_lag(messaging: Apart) -> Steps:
    """It tells the same the next time."""
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    await messaging.publish("t", 1)
    await inbox.wait_for(1)
    yield lambda: messaging.lag()  # noqa: PLW0108 - looked up then, it is noted

    # Committed a moment later.
    while any((await messaging.lag()).values()):
        pass


@SCENARIOS.of("dead_letters", least=3)
async def dead_letters(messaging: Apart) -> Steps:
    """A letter that was not replayed is there the next time; it comes twice at most."""
    await messaging.publish("t.dlq", "letter")
    await messaging.publish("t", "before")

    async def operation() -> None:
        async with messaging.dead_letters("t") as box:
            async for letters in box:
                await box.replay(letters)

    outcome = yield operation
    await operation()
    inbox = Inbox()
    await messaging.subscribe("t", inbox)
    await inbox.wait_for("letter")
    assert inbox.payloads.count("letter") <= (2 if outcome.reached else 1)
