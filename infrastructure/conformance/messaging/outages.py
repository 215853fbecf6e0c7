"""M9, M10 and M12: an outage of the server is no fault of the message that is handled in it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ...interfaces import (
    InfrastructureError,
    Message,
    MessagingInterface,
    current_message,
    deadline,
)
from ...messaging.lag import LagReporter
from .._breaking import DEADLINE, PATIENT, faults_of
from .._check import check
from .._expect import beside, equal
from .._harness import MessagingHarness
from .._outages import Outage, refused, silent
from ._at_work import at_work, publishing, subscribing, working
from ._inbox import Gate, Inbox, patience, topic

__all__ = [
    "M9_a_handler_that_publishes_waits_a_silence_out",
    "M9_a_handler_that_publishes_waits_refusals_out",
    "M10_a_dead_letter_waits_for_the_server",
    "M12_what_was_finished_in_an_outage_is_committed",
]

_COMMITTED = 3.0
"""Seconds given to a commit after an outage, where nobody tells whether it has arrived."""

_LOOK = 0.02
"""Seconds between two looks at what is committed."""

_GONE = 2.0
"""Seconds in which one that was disconnected gives up what it could not tell."""

_OPTIONS: dict[str, Any] = {"group_id": "g", "backoff": (0.01, 0.05), "attempts": 1}


class _Forwarder:
    """A handler that publishes what it gets, once it is let go; it notes how that went."""

    def __init__(self, out: str) -> None:
        self.messaging: MessagingInterface | None = None
        self.entered, self.go = asyncio.Event(), asyncio.Event()
        self.failed, self.over = asyncio.Event(), asyncio.Event()
        self.attempts: list[int] = []
        self.errors: list[InfrastructureError] = []
        self._out = out

    async def __call__(self, payload: Any) -> None:
        self.entered.set()
        await self.go.wait()
        self.attempts.append(current_message().attempt)
        assert self.messaging is not None

        try:
            await self.messaging.publish(self._out, payload)
        except InfrastructureError as exc:
            self.errors.append(exc)
            self.failed.set()
            raise

        self.over.set()


async def _happens(event: asyncio.Event, what: str) -> None:
    async with patience(lambda: what):
        await event.wait()


async def _waits_it_out(harness: MessagingHarness, outage: Outage) -> None:
    name, out, dead = topic("in"), topic("out"), Inbox()
    handler = _Forwarder(out)

    async with at_work(harness, out, **_OPTIONS) as messaging:
        handler.messaging = messaging
        await subscribing(messaging, f"{name}.dlq", dead)
        await subscribing(messaging, name, handler)
        await publishing(messaging, name, "work")
        await _happens(handler.entered, "the handler to be called")

        async with outage(faults_of(harness)):
            handler.go.set()
            await _happens(handler.failed, "its publish to fail")
            await asyncio.sleep(DEADLINE)

        ends = [beside(dead.wait(1)), beside(_happens(handler.over, "the work to be done"))]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)

        for each in ends:
            each.cancel()

    assert not dead.payloads, f"an outage made a dead letter: {handler.errors}"
    assert handler.over.is_set(), f"the work was not done: {handler.errors}"
    told = f"an outage counted as an attempt: {handler.attempts}, {handler.errors}"
    assert set(handler.attempts) == {1}, told


@check(kind="fault", feature="dead_letters")
async def M9_a_handler_that_publishes_waits_a_silence_out(harness: MessagingHarness) -> None:
    """What its publish raises in a silence counts as no attempt: it succeeds afterwards."""
    await _waits_it_out(harness, silent)


@check(kind="fault", feature="dead_letters")
async def M9_a_handler_that_publishes_waits_refusals_out(harness: MessagingHarness) -> None:
    """What its publish raises while the server refuses counts as no attempt: it succeeds afterwards."""
    await _waits_it_out(harness, refused)


@check(kind="fault", feature="dead_letters")
async def M10_a_dead_letter_waits_for_the_server(harness: MessagingHarness) -> None:
    """A message is given up while the server is away: it is found among the dead letters afterwards."""
    name, dead = topic("away"), Inbox()
    entered, go = asyncio.Event(), asyncio.Event()

    async def handler(_: Any) -> None:
        entered.set()
        await go.wait()
        raise ValueError("on purpose")

    async with working(harness, **_OPTIONS) as messaging:
        await subscribing(messaging, f"{name}.dlq", dead)
        await subscribing(messaging, name, handler)
        await publishing(messaging, name, "bad")
        await _happens(entered, "the handler to be called")

        async with refused(faults_of(harness)):
            go.set()
            await asyncio.sleep(DEADLINE)

        equal((await dead.wait(1))[:1], ["bad"])


@check(kind="fault", feature="reconnect")
async def M12_what_was_finished_in_an_outage_is_committed(harness: MessagingHarness) -> None:
    """It is when the server is back, and no further than that: all else comes to the next member."""
    name, again, faults = topic("commit"), Inbox(), faults_of(harness)
    ends, stays = Gate(), Gate()

    async def handler(payload: Any) -> None:
        await (stays if payload[0] == "stays" else ends)(payload)

    async with working(harness, group_id="g", drain_timeout=0.05) as messaging:
        await subscribing(messaging, name, handler)

        # Of those behind some are finished, but not contiguously.
        for word in ("before", "stays", "behind"):
            await _publish_four(messaging, name, word)

        await ends.wait_until(lambda: ends.running == 8, "the handlers to run")
        await stays.wait_until(lambda: stays.running == 4, "the others to run")

        async with refused(faults):
            ends.let_go()
            await asyncio.sleep(DEADLINE)

        await _committed(messaging, name, waiting=8)

        # It is lost: what it commits in the end does not arrive.
        async with refused(faults):
            await messaging.disconnect()
            await asyncio.sleep(_GONE)

    async with working(harness, group_id="g") as messaging:
        await subscribing(messaging, name, again)
        await _publish_four(messaging, name, "last", key="before")
        wanted = {(word, number) for word in ("stays", "last") for number in range(4)}
        await again.wait_until(lambda: wanted <= set(again.payloads), "what was not finished")

    twice = [payload for payload in again.payloads if payload[0] == "before"]
    assert not twice, f"they were finished in the outage, and not committed behind it: {twice}"


async def _committed(messaging: MessagingInterface, name: str, *, waiting: int) -> None:
    """Return when no more messages of the topic than ``waiting`` are not committed."""
    if not isinstance(messaging, LagReporter):
        await asyncio.sleep(_COMMITTED)
        return

    left: object = "nobody knows how many"

    async with patience(lambda: f"what was finished to be committed; {left} wait"):
        while not isinstance(left, int) or left > waiting:
            # The way to the server may be found only now.
            with suppress(InfrastructureError), deadline(PATIENT):
                left = (await messaging.lag())[name]

            await asyncio.sleep(_LOOK)


async def _publish_four(
    messaging: MessagingInterface, name: str, word: str, *, key: str = ""
) -> None:
    for number in range(4):
        message = Message((word, number), key=f"{key or word}{number}")
        await publishing(messaging, name, message)
