"""Members come and go: nothing is lost, and no key runs twice at a time."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import Message, current_message
from .._check import check
from .._harness import MessagingHarness
from ._inbox import Gate, Inbox, topic

__all__ = [
    "M13_leaving_member_hands_over",
    "M13_nothing_is_lost_while_members_come_and_go",
    "M13_running_handler_may_finish_before_its_partition_moves",
]


@check(feature="rebalance")
async def M13_nothing_is_lost_while_members_come_and_go(harness: MessagingHarness) -> None:
    """Over joins and leaves every message is handled, and each key keeps its order."""
    name, inbox = topic("members"), Inbox()
    running: set[str | bytes | None] = set()
    overlaps: list[Any] = []

    async def handler(payload: Any) -> None:
        key = current_message().key

        overlaps.extend([payload] if key in running else [])
        running.add(key)

        try:
            await asyncio.sleep(0)
        finally:
            running.discard(key)

        await inbox(payload)

    async def publish() -> None:
        for number in range(300):
            key = f"k{number % 12}"
            await first.publish(name, Message((key, number), key=key))
            await asyncio.sleep(0)

    async with harness.make(group_id="g") as first:
        await first.subscribe(name, handler)
        publishing = asyncio.create_task(publish())

        for number in range(1, 4):
            async with harness.make(group_id="g") as member:
                await member.subscribe(name, handler)
                await inbox.wait(number * 60)

        await publishing
        everything = {(f"k{n % 12}", n) for n in range(300)}
        await inbox.wait_until(lambda: set(inbox.payloads) == everything, "all messages")

    assert not overlaps, f"one key ran in two members at a time: {overlaps}"


@check(feature="rebalance")
async def M13_leaving_member_hands_over(harness: MessagingHarness) -> None:
    """After a member disconnected the other gets all messages."""
    name, inbox, other = topic("leaves"), Inbox(), Inbox()

    async with harness.make(group_id="g") as stays:
        await stays.subscribe(name, inbox)

        async with harness.make(group_id="g") as leaves:
            await leaves.subscribe(name, other)

        for number in range(40):
            await stays.publish(name, Message(number, key=f"k{number}"))

        await inbox.wait_until(lambda: set(inbox.payloads) == set(range(40)), "0 to 39")


@check(feature="rebalance")
async def M13_running_handler_may_finish_before_its_partition_moves(
    harness: MessagingHarness,
) -> None:
    """A member that joins does not start what another one still handles."""
    name, gate = topic("moves"), Gate()

    async def other(payload: Any) -> None:
        await gate(payload)

    async with harness.make(group_id="g") as first, harness.make(group_id="g") as second:
        await first.subscribe(name, gate)

        for number in range(8):
            await first.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: gate.running == 8, "all handlers to run")
        await second.subscribe(name, other)
        assert len(gate.entered) == 8, f"started twice: {gate.entered}"
        gate.let_go()
        await gate.wait_until(lambda: len(gate.payloads) == 8, "the handlers to finish")

        for number in range(8, 40):
            await first.publish(name, Message(number, key=f"k{number}"))

        await gate.wait_until(lambda: set(gate.payloads) == set(range(40)), "0 to 39")

    assert not gate.cancelled, f"cancelled because their partitions moved: {gate.cancelled}"
    assert len(gate.payloads) == 40, "a message was handled twice"
