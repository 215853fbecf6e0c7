"""Order: one key one after another, keys beside each other."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import Message, current_message
from .._check import check
from .._expect import equal, turns
from .._harness import MessagingHarness
from ._inbox import Gate, Inbox, topic

__all__ = [
    "M11_key_in_back_off_delays_no_other",
    "M11_key_keeps_its_order_over_retries",
    "M11_lanes_bound_what_runs_at_a_time",
    "M11_message_without_key_waits_for_none",
    "M11_order_partition_serialises_a_partition",
    "M11_slow_key_keeps_only_itself_waiting",
]


@check(feature="order")
async def M11_key_keeps_its_order_over_retries(harness: MessagingHarness) -> None:
    """A failed message is repeated before the next one of its key, which never overtakes it."""
    name, inbox = topic("retries"), Inbox()
    running: set[str | bytes | None] = set()
    overlaps: list[Any] = []

    async def handler(payload: tuple[str, int]) -> None:
        info = current_message()

        overlaps.extend([payload] if info.key in running else [])
        running.add(info.key)
        await asyncio.sleep(0)
        running.discard(info.key)

        if payload[1] % 7 == 3 and info.attempt == 1:
            raise ValueError("every seventh, once")

        await inbox(payload)

    async with harness.make(group_id="g", backoff=(0.01, 0.02)) as messaging:
        await messaging.subscribe(name, handler)

        for number in range(100):
            key = f"k{number % 5}"
            await messaging.publish(name, Message((key, number), key=key))

        await inbox.wait(100)

    assert not overlaps, f"two messages of one key ran at a time: {overlaps}"

    for key in (f"k{n}" for n in range(5)):
        numbers = [number for owner, number in inbox.payloads if owner == key]
        assert numbers == sorted(numbers), f"key {key} was handled as {numbers}"


@check(feature="order")
async def M11_key_in_back_off_delays_no_other(harness: MessagingHarness) -> None:
    """With one lane, and a key that waits for minutes, all other keys are handled."""
    name = topic("backoff")

    def fail(payload: Any) -> None:
        if payload == "poison":
            raise ValueError("poison")

    inbox = Inbox(fail)

    async with harness.make(group_id="g", lanes=1, backoff=(600.0, 600.0)) as messaging:
        await messaging.subscribe(name, inbox)
        await messaging.publish(name, Message("poison", key="poison"))

        for number in range(50):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        equal(set(await inbox.wait(50)), set(range(50)))
        await turns(200)

    assert inbox.calls == 51, f"the poison was called {inbox.calls - 50} times in no time"


@check(feature="order")
async def M11_message_without_key_waits_for_none(harness: MessagingHarness) -> None:
    """Messages without key run beside each other, while one of them hangs."""
    name, gate = topic("keyless"), Gate(stops=lambda payload: payload == 0)

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe(name, gate)

        for number in range(20):
            await messaging.publish(name, number)

        await gate.wait_until(lambda: len(gate.payloads) == 19, "all others")
        gate.let_go()


@check(feature="order")
async def M11_slow_key_keeps_only_itself_waiting(harness: MessagingHarness) -> None:
    """While a message of one key runs, those behind it wait and other keys go on."""
    name, gate = topic("slow"), Gate(stops=lambda payload: payload == "slow")

    async with harness.make(group_id="g") as messaging:
        await messaging.subscribe(name, gate)
        await messaging.publish(name, Message("slow", key="a"))
        await messaging.publish(name, Message("behind", key="a"))

        for number in range(20):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: len(gate.payloads) == 20, "all other keys")
        assert "behind" not in gate.entered, "the next message of the slow key was started"
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == 22, "the slow key")

    assert gate.payloads[-2:] == ["slow", "behind"], f"came out as {gate.payloads}"


@check(feature="order")
async def M11_lanes_bound_what_runs_at_a_time(harness: MessagingHarness) -> None:
    """No more than ``lanes`` calls of a handler run at once, and so many do."""
    name, gate = topic("lanes"), Gate()

    async with harness.make(group_id="g", lanes=3) as messaging:
        await messaging.subscribe(name, gate)

        for number in range(12):
            await messaging.publish(name, number)

        await gate.wait_until(lambda: gate.running == 3, "three calls")
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == 12, "all messages")

    assert gate.most == 3, f"{gate.most} calls ran at once"


@check(feature="order")
async def M11_order_partition_serialises_a_partition(harness: MessagingHarness) -> None:
    """With ``order="partition"`` no more calls run at once than a topic has partitions."""
    name, gate = topic("partition"), Gate()

    async with harness.make(group_id="g", order="partition", lanes=200) as messaging:
        await messaging.subscribe(name, gate)

        for number in range(200):
            await messaging.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: gate.running > 0, "the first call")
        await turns(200)
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == 200, "all messages")

    # A test topic of a hundred partitions there is hardly.
    assert gate.most < 100, f"{gate.most} calls of 200 ran at once"
