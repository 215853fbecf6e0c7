"""Messages that are out of attempts and have no dead letters: their partition stops."""

from __future__ import annotations

from typing import Any

from ...interfaces import Message
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "M10_dead_letters_have_no_dead_letters",
    "M10_opting_out_loses_nothing",
]

_OPTIONS: dict[str, Any] = {"group_id": "g", "backoff": (0.01, 0.02), "attempts": 2}


async def _stops(harness: MessagingHarness, name: str, **options: Any) -> None:
    """Check that a message out of attempts stops its partition until the next connect."""
    healthy = False

    def fail(_: Any) -> None:
        if not healthy:
            raise ValueError("on purpose")

    inbox = Inbox(fail)
    tried = Inbox()

    async def handler(payload: Any) -> None:
        await tried(payload)
        await inbox(payload)

    messaging = harness.make(**{**_OPTIONS, **options})

    async with messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message("bad", key="k"))
        await messaging.publish(name, Message("behind", key="k"))
        equal(await tried.wait(2), ["bad", "bad"])

    healthy = True

    async with messaging:
        assert await inbox.wait(2) == ["bad", "behind"], "the stopped partition lost a message"

    assert tried.payloads == ["bad", "bad", "bad", "behind"], f"calls: {tried.payloads}"


@check(feature="dead_letters")
async def M10_dead_letters_have_no_dead_letters(harness: MessagingHarness) -> None:
    """In a topic that ends in ``.dlq`` exhausted attempts stop the partition; nothing is lost."""
    await _stops(harness, f"{topic('stops')}.dlq")


@check(feature="dead_letters")
async def M10_opting_out_loses_nothing(harness: MessagingHarness) -> None:
    """With ``dead_letters=False`` exhausted attempts stop the partition; nothing is lost."""
    await _stops(harness, topic("without"), dead_letters=False)
