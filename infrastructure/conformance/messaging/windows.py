"""Windows: what is held is bounded, and nothing is committed past an unfinished message."""

from __future__ import annotations

import asyncio

from ...interfaces import ConnectionError, Message, MessagingInterface, TimeoutError, deadline
from .._check import check
from .._expect import turns
from .._harness import MessagingHarness
from ._expect import raises
from ._inbox import Gate, Inbox, cancel_inside, patience, topic

__all__ = [
    "G3_disconnect_fails_a_publish_that_waits",
    "M12_blocked_publish_goes_on_when_there_is_room",
    "M12_full_window_goes_on_behind_its_slowest_message",
    "M12_publish_waits_for_room_until_its_deadline",
    "M12_unfinished_message_comes_again",
    "M12_unsubscribed_topic_needs_no_room",
    "M12_window_bounds_the_bytes_that_are_held",
    "M12_window_bounds_what_is_started",
]


@check(feature="windows")
async def M12_window_bounds_what_is_started(harness: MessagingHarness) -> None:
    """With ``window=16`` no more than 16 messages are unfinished, and all arrive."""
    name, gate = topic("window"), Gate()

    async with harness.make(group_id="g", window=16, lanes=64) as messaging:
        await messaging.subscribe(name, gate)

        for number in range(100):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: gate.running > 0, "the first call")

        await turns(200)
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) >= 100, "all messages")

    assert gate.most <= 16, f"{gate.most} messages were started at once"


@check(feature="windows")
async def M12_window_bounds_the_bytes_that_are_held(harness: MessagingHarness) -> None:
    """With ``window_bytes=`` of a few messages not many are started, and all arrive."""
    name, gate = topic("bytes"), Gate()

    async with harness.make(group_id="g", window_bytes=32_000, lanes=64) as messaging:
        await messaging.subscribe(name, gate)

        for number in range(64):
            await messaging.publish(name, Message(b"x" * 4000, key=f"k{number}"))

        await gate.wait_until(lambda: gate.running > 0, "the first call")
        await turns(200)
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) >= 64, "all messages")

    # The message that fills a window may be larger than what was left of it.
    assert gate.most <= 16, f"{gate.most} messages of 4 kB were started in 32 kB"


@check(feature="windows")
async def M12_full_window_goes_on_behind_its_slowest_message(harness: MessagingHarness) -> None:
    """A window that is full behind one slow message takes more when that one is finished."""
    name, gate = topic("slowest"), Gate(stops=lambda payload: payload == 0)

    async with harness.make(group_id="g", window=400, lanes=64) as messaging:
        await messaging.subscribe(name, gate)

        for number in range(1000):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: len(gate.payloads) >= 90, "those beside the slow one")
        await turns(200)
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) >= 1000, "all messages")


@check(feature="windows")
async def M12_unfinished_message_comes_again(harness: MessagingHarness) -> None:
    """A message that was still running when its instance went is delivered to the next one."""
    name, gate = topic("unfinished"), Gate(stops=lambda payload: payload == "slow")

    async def body(inside: asyncio.Event) -> None:
        async with harness.make(group_id="g") as messaging:
            await messaging.subscribe(name, gate)

            # So many keys that some are in the partition of the slow one, before and behind it.
            for number in range(80):
                if number == 40:
                    await messaging.publish(name, Message("slow", key="slow"))

                await messaging.publish(name, Message(number, key=f"k{number}"))

            await gate.wait_until(lambda: len(gate.payloads) == 80, "the others")
            inside.set()
            await asyncio.Event().wait()

    await cancel_inside(body)
    inbox = Inbox()

    async with harness.make(group_id="g") as successor:
        await successor.subscribe(name, inbox)
        await inbox.wait_until(lambda: "slow" in inbox.payloads, "the unfinished message")


@check(feature="bounded_log")
async def M12_publish_waits_for_room_until_its_deadline(harness: MessagingHarness) -> None:
    """A full log refuses with ``outcome="not_applied"``, and takes messages again later."""
    name, gate = topic("room"), Gate()

    async def publish_until_full(messaging: MessagingInterface) -> None:
        with deadline(0.2):
            await messaging.publish_many(name, [Message(n, key="k") for n in range(1000)])

    async with harness.make(group_id="g", max_log=8) as messaging:
        await messaging.subscribe(name, gate)

        error = await raises(TimeoutError, publish_until_full(messaging), "publish on a full log")
        assert error.outcome == "not_applied", f"outcome is {error.outcome!r}"
        accepted = error.row_index
        assert accepted is not None, "the error tells not how many were accepted"
        assert "max_log" in str(error), f"the text says not what to do: {error}"
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == accepted, "what was accepted")
        await messaging.publish(name, Message("room again", key="k"))
        await gate.wait_until(lambda: "room again" in gate.payloads, "the next message")

    assert gate.payloads == [*range(accepted), "room again"], f"got {gate.payloads}"


@check(feature="bounded_log")
async def M12_blocked_publish_goes_on_when_there_is_room(harness: MessagingHarness) -> None:
    """Publishers that wait are served in turn once messages are finished."""
    name, gate = topic("blocked"), Gate()

    async with harness.make(group_id="g", max_log=4) as messaging:
        await messaging.subscribe(name, gate)

        async def publish() -> None:
            for number in range(50):
                await messaging.publish(name, Message(number, key="k"))

        publisher = asyncio.create_task(publish())
        await gate.wait_until(lambda: gate.running == 1, "the first call")
        assert not publisher.done(), "50 messages fitted into a log of 4"
        gate.let_go()

        async with patience(lambda: "the publisher to go on"):
            await publisher

        await gate.wait_until(lambda: len(gate.payloads) == 50, "all messages")

    assert gate.payloads == list(range(50)), f"got {gate.payloads}"


@check(feature="bounded_log")
async def M12_unsubscribed_topic_needs_no_room(harness: MessagingHarness) -> None:
    """What no group subscribes to any more is not kept, and fills no log."""
    name, inbox = topic("unsubscribed"), Inbox()

    async with harness.make(group_id="g", max_log=4) as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.unsubscribe(name)

        async with patience(lambda: "room for messages that nobody wants"):
            for number in range(20):
                await messaging.publish(name, Message(number, key="k"))

    assert not inbox.payloads, f"handled after unsubscribe: {inbox.payloads}"


@check(feature="bounded_log")
async def G3_disconnect_fails_a_publish_that_waits(harness: MessagingHarness) -> None:
    """A publish that waits for room ends with ``outcome="not_applied"`` on disconnect."""
    name, gate = topic("fails"), Gate()
    messaging = harness.make(group_id="g", max_log=1, drain_timeout=0.05)
    await messaging.connect()
    await messaging.subscribe(name, gate)
    await messaging.publish(name, 1)
    await gate.wait_until(lambda: gate.running == 1, "the first call")
    blocked = asyncio.create_task(messaging.publish(name, 2))
    await asyncio.sleep(0)
    await messaging.disconnect()
    error = await raises(ConnectionError, blocked, "publish on a full log after disconnect")
    assert error.outcome == "not_applied", f"{error!r}"
