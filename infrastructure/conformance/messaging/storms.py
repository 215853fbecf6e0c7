"""G7: however many publishes are given up, no cancellation is lost and nothing acknowledged is."""

from __future__ import annotations

import random
from typing import Any

from ...interfaces import Message
from .._breaking import faults_of
from .._check import check
from .._fault_checks.storms import AT_ONCE, Storm
from .._harness import MessagingHarness
from ._at_work import at_work, in_order, stored_once
from ._inbox import Inbox, topic

__all__ = ["G7_cancelled_publishes_at_random_lose_nothing_acknowledged"]

_KEYS = 5


@check(kind="fault")
async def G7_cancelled_publishes_at_random_lose_nothing_acknowledged(
    harness: MessagingHarness,
) -> None:
    """Hundreds of publishes, cancelled at any moment: what was acknowledged comes, in order, once."""
    faults, name, inbox = faults_of(harness), topic("storm"), Inbox()
    acknowledged: set[Any] = set()

    async with at_work(harness, name, inbox, deadline=10.0) as messaging:

        async def publish(_: random.Random, number: int) -> None:
            key = f"k{number % _KEYS}"
            await messaging.publish(name, Message((key, number), key=key))
            acknowledged.add((key, number))

        storm = Storm(faults, publish, 0.006)

        for _ in range(0, faults.storm, AT_ONCE):
            await storm.round()

        faults.proxy.heal()
        await inbox.wait_until(lambda: acknowledged <= set(inbox.payloads), "all acknowledged")

    in_order(inbox)
    stored_once(inbox)
