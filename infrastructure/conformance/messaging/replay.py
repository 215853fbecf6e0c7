"""Dead letters that are published once more: for the handler that failed, and no other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "M10_replayed_message_can_die_again",
    "M10_replayed_message_is_for_its_handler_alone",
]


def _handler(inbox: Inbox) -> Callable[[Any], Awaitable[None]]:
    """Return a handler; all of them have the same name."""

    async def handler(payload: Any) -> None:
        await inbox(payload)

    return handler


@check(feature="dead_letters")
async def M10_replayed_message_is_for_its_handler_alone(harness: MessagingHarness) -> None:
    """Marked with group and handler it is acknowledged unseen by all others."""
    name, wanted, unwanted, other = topic("replay"), Inbox(), Inbox(), Inbox()
    failed_before, of_another_group = _handler(wanted), _handler(other)
    target = f"{failed_before.__module__}.{failed_before.__qualname__}"
    headers = {
        "infrastructure-replay-group": harness.group("g"),
        "infrastructure-replay-handler": target,
    }

    async with harness.make(group_id="g") as messaging, harness.make(group_id="other") as elsewhere:
        await messaging.subscribe(name, failed_before)
        await messaging.subscribe(name, unwanted)
        await elsewhere.subscribe(name, of_another_group)
        await messaging.publish(name, Message("replayed", key="k", headers=headers))
        await messaging.publish(name, Message("end", key="k"))
        equal(await wanted.wait(2), ["replayed", "end"])
        equal(await unwanted.wait(1), ["end"])
        equal(await other.wait(1), ["end"])


@check(feature="dead_letters")
async def M10_replayed_message_can_die_again(harness: MessagingHarness) -> None:
    """Its letter is for whoever reads the dead letters, though the message was for one handler."""
    name, dead = topic("again"), Inbox()

    async def fails(_: Any) -> None:
        raise ValueError("on purpose")

    headers = {
        "infrastructure-replay-group": harness.group("g"),
        "infrastructure-replay-handler": f"{fails.__module__}.{fails.__qualname__}",
    }

    async with harness.make(group_id="g", attempts=1) as messaging:
        await messaging.subscribe(name, fails)
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.publish(name, Message("bad", key="k", headers=headers))
        equal(await dead.wait(1), ["bad"])
