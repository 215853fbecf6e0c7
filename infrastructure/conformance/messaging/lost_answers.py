"""M1, M4 and G9: a publish whose answer was lost, or that never left."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ...interfaces import ConnectionError, Message, MessagingInterface, TimeoutError
from .._breaking import PATIENT, answers, faults_of
from .._check import check
from .._fault_checks.lost_answers import lost
from .._fault_checks.writers import write_on, writing
from .._harness import MessagingHarness
from .._outages import NOTICED, Outage, refused, silent
from ._at_work import accounted_for, at_work, in_order, noted, several, stored_once
from ._inbox import Inbox, topic

__all__ = [
    "G9_a_publish_whose_answer_was_lost_is_stored_once",
    "M1_what_was_not_applied_in_silence_never_appears",
    "M1_what_was_not_applied_without_a_server_never_appears",
    "M4_lost_connections_lose_nothing_acknowledged",
]

_KEYS = 4
_MANY = 500


async def _all_behind(messaging: MessagingInterface, name: str, inbox: Inbox) -> None:
    """Return when whatever was published before this is handled: it is ahead of its key's last."""
    lasts = [("last", _MANY + number) for number in range(_KEYS)]

    for number, last in enumerate(lasts):
        message = Message(last, key=f"k{number}")
        await answers(partial(messaging.publish, name, message), "publish afterwards", PATIENT)

    await inbox.wait_until(lambda: set(lasts) <= set(inbox.payloads), "the last of each key")
    await asyncio.sleep(NOTICED)


async def _never_appears(harness: MessagingHarness, outage: Outage) -> None:
    name, inbox = topic("never"), Inbox()

    async with at_work(harness, name, inbox, deadline=PATIENT) as messaging:
        async with outage(faults_of(harness)):
            payloads = [("lost", number) for number in range(_MANY)]
            errors = await several(messaging, name, payloads, _KEYS)

        for payload, error in errors.items():
            accounted_for(error, f"publish of {payload}")

        await _all_behind(messaging, name, inbox)

    never = {each for each, error in errors.items() if error and error.outcome == "not_applied"}
    found = never.intersection(inbox.payloads)
    assert not found, (
        f"{len(found)} of {len(never)} that were not applied came: {sorted(found)[:3]}"
    )
    in_order(inbox)
    stored_once(inbox)


@check(kind="fault")
async def M1_what_was_not_applied_in_silence_never_appears(harness: MessagingHarness) -> None:
    """500 publishes that time out: those that say so are never sent, the others once at most."""
    await _never_appears(harness, silent)


@check(kind="fault")
async def M1_what_was_not_applied_without_a_server_never_appears(harness: MessagingHarness) -> None:
    """500 publishes while the server refuses: those that say so are never sent, the others once at most."""
    await _never_appears(harness, refused)


@check(kind="fault")
async def G9_a_publish_whose_answer_was_lost_is_stored_once(harness: MessagingHarness) -> None:
    """The connection ends between question and answer: it is there once, or its outcome unknown."""
    proxy, name, inbox = faults_of(harness).proxy, topic("answer"), Inbox()

    async with at_work(harness, name, inbox, deadline=PATIENT) as messaging:
        acknowledged: set[Any] = set()

        for number in range(5):
            call = partial(noted, messaging, name, acknowledged, "k0", number)
            error = await lost(proxy, call, "publish, its answer lost,")
            failed = isinstance(error, ConnectionError | TimeoutError)
            known = error is None or (failed and error.outcome == "unknown")
            assert known, f"it was sent, and is no more than unknown: {error!r}"

        await _all_behind(messaging, name, inbox)

    assert acknowledged <= set(inbox.payloads), "what was acknowledged did not come"
    stored_once(inbox)


@check(kind="fault")
async def M4_lost_connections_lose_nothing_acknowledged(harness: MessagingHarness) -> None:
    """Connections are closed and reset under publishers and a subscriber: all comes, in order by key."""
    proxy, name, inbox = faults_of(harness).proxy, topic("lost"), Inbox()
    acknowledged: set[Any] = set()

    async with at_work(harness, name, inbox, deadline=PATIENT) as messaging:
        publishes = [
            partial(noted, messaging, name, acknowledged, f"k{number}") for number in range(_KEYS)
        ]

        async with writing(write_on(publish, PATIENT, accounted_for) for publish in publishes):
            for lose in (proxy.cut, proxy.reset) * 5:
                await asyncio.sleep(0.1)
                lose()

            await asyncio.sleep(0.1)

        await inbox.wait_until(lambda: acknowledged <= set(inbox.payloads), "all acknowledged")

    assert acknowledged, "no publish was acknowledged at all"
    in_order(inbox)
    stored_once(inbox)
