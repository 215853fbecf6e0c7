"""M4, M11: a server that is killed and started again, under publishers and a subscriber."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._breaking import faults_of
from .._check import check
from .._fault_checks.writers import kill_again_and_again, write_on, writing
from .._harness import MessagingHarness
from ._at_work import accounted_for, at_work, in_order, noted, stored_once
from ._inbox import Inbox, topic

__all__ = ["M4_kills_lose_nothing_acknowledged"]

_CYCLES = 2


@check(kind="fault", feature="outlives_kills")
async def M4_kills_lose_nothing_acknowledged(harness: MessagingHarness) -> None:
    """Killed again and again: whatever ``publish`` returned for is handled, in order by key, stored once."""
    name, inbox = topic("kills"), Inbox()
    acknowledged: set[Any] = set()

    async with at_work(harness, name, inbox) as messaging:
        publishes = [
            partial(noted, messaging, name, acknowledged, f"k{number}") for number in range(4)
        ]

        async with writing(write_on(publish, failed=accounted_for) for publish in publishes):
            await kill_again_and_again(faults_of(harness), _CYCLES, 0.2)

        assert acknowledged, "no publish was acknowledged at all"
        await inbox.wait_until(lambda: acknowledged <= set(inbox.payloads), "all acknowledged")

    in_order(inbox)
    stored_once(inbox)
