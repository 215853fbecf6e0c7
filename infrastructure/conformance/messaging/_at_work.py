"""A messaging that works before something breaks, and what the fault checks do with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ...interfaces import InfrastructureError, Message, MessagingInterface, deadline
from .._breaking import DEADLINE, PATIENT, PREPARING, answers, refused_or_late
from .._fault_checks.outages import in_a_hurry
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "BEFORE",
    "accounted_for",
    "at_work",
    "in_order",
    "noted",
    "publishing",
    "several",
    "stored_once",
    "subscribing",
    "working",
    "works",
]

BEFORE = "before"
"""The payload of what ``at_work`` published."""

_PAUSE = 0.002
"""Seconds between the publishes of one who goes on and on."""


@asynccontextmanager
async def working(harness: MessagingHarness, **options: Any) -> AsyncIterator[MessagingInterface]:
    """Give a connected messaging, whose calls have ``DEADLINE`` seconds unless told otherwise."""
    messaging = harness.make(**{"deadline": DEADLINE, **options})

    with deadline(PREPARING):
        await messaging.connect()

    async with messaging:
        yield messaging


@asynccontextmanager
async def at_work(
    harness: MessagingHarness, name: str, inbox: Inbox | None = None, **options: Any
) -> AsyncIterator[MessagingInterface]:
    """Give a messaging that has published to ``name``, and whose ``inbox`` has got it."""
    async with working(harness, **options) as messaging:
        if inbox is not None:
            await subscribing(messaging, name, inbox)

        await publishing(messaging, name, BEFORE)

        if inbox is not None:
            await inbox.wait_until(lambda: BEFORE in inbox.payloads, "what was published before")

        yield messaging


async def works(messaging: MessagingInterface) -> None:
    """Fail where a connected messaging does not publish."""
    await answers(partial(messaging.publish, topic("works"), 1), "publish afterwards", PATIENT)


async def subscribing(messaging: MessagingInterface, name: str, handler: Any) -> None:
    """Subscribe with all the time that it takes."""
    with deadline(PREPARING):
        await messaging.subscribe(name, handler)


async def publishing(messaging: MessagingInterface, name: str, message: Any) -> None:
    """Publish with all the time that it takes: the topic may have to be made."""
    with deadline(PREPARING):
        await messaging.publish(name, message)


async def several(
    messaging: MessagingInterface, name: str, payloads: Iterable[Any], keys: int = 4
) -> dict[Any, InfrastructureError | None]:
    """Publish all at once, in a hurry; return for each payload its error, ``None``: it was acknowledged."""
    messages = {
        each: Message(each, key=f"k{number % keys}") for number, each in enumerate(payloads)
    }
    calls = [
        in_a_hurry(partial(messaging.publish, name, each), "publish") for each in messages.values()
    ]
    return dict(zip(messages, await asyncio.gather(*calls), strict=True))


async def noted(
    messaging: MessagingInterface, name: str, acknowledged: set[Any], key: str, number: int
) -> None:
    """Publish ``(key, number)``, and add it to what was ``acknowledged``; then pause."""
    payload = (key, number)
    await messaging.publish(name, Message(payload, key=key))
    acknowledged.add(payload)
    await asyncio.sleep(_PAUSE)


def accounted_for(error: Any, what: str) -> None:
    """Assert that it is how a call ends that reaches no server: with an outcome that is no wish."""
    __tracebackhide__ = True
    refused_or_late(error, what)
    known = error.outcome in ("not_applied", "unknown")
    assert known, f"{what}: outcome={error.outcome!r}, and nobody has acknowledged it"


def in_order(inbox: Inbox) -> None:
    """Assert that the numbers of each key came one after another, whatever came again."""
    __tracebackhide__ = True
    last: dict[Any, int] = {}
    seen: set[Any] = set()

    for info, payload in zip(inbox.infos, inbox.payloads, strict=True):
        if payload == BEFORE or payload in seen:
            continue

        seen.add(payload)
        number = payload[1]
        before = last.get(info.key, -1)
        assert number > before, f"{info.key!r}: {number} was handled after {before}"
        last[info.key] = number


def stored_once(inbox: Inbox) -> None:
    """Assert that no payload has two ids: what comes again is the same message."""
    __tracebackhide__ = True
    found: dict[Any, str] = {}

    for info, payload in zip(inbox.infos, inbox.payloads, strict=True):
        first = found.setdefault(payload, info.id)
        assert first == info.id, f"{payload!r} was stored twice: as {first} and as {info.id}"
