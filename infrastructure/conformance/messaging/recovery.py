"""G6 and M6: after the peer is back the first publish succeeds, and subscriptions go on by themselves."""

from __future__ import annotations

import asyncio
from functools import partial

from .._breaking import PATIENT, answers, faults_of
from .._check import check
from .._expect import equal
from .._fault_checks.outages import AWAY, come_back_together, fail_for_a_while
from .._harness import MessagingHarness
from .._outages import Outage, frozen, killed, refused, silent
from ._at_work import accounted_for, at_work, working
from ._inbox import Inbox, topic

__all__ = [
    "G6_a_publish_succeeds_after_a_freeze",
    "G6_a_publish_succeeds_after_a_restart",
    "G6_a_publish_succeeds_after_refusals",
    "G6_a_publish_succeeds_after_silence",
    "G6_many_publishers_come_back_together",
    "M6_subscriptions_come_back_after_a_restart",
    "M6_subscriptions_come_back_after_refusals",
    "M6_subscriptions_come_back_after_silence",
]


async def _publishes_after(harness: MessagingHarness, outage: Outage) -> None:
    name = topic("first")

    async with at_work(harness, name, deadline=PATIENT) as messaging:
        async with outage(faults_of(harness)):
            call = partial(messaging.publish, name, "lost")

            for error in await fail_for_a_while(call, "publish without a server"):
                accounted_for(error, "publish without a server")

        await answers(partial(messaging.publish, name, "first"), "the first publish")


@check(kind="fault")
async def G6_a_publish_succeeds_after_silence(harness: MessagingHarness) -> None:
    """The network carries again: the first publish, after others that timed out, succeeds in 1 s."""
    await _publishes_after(harness, silent)


@check(kind="fault", feature="server_faults")
async def G6_a_publish_succeeds_after_a_freeze(harness: MessagingHarness) -> None:
    """The server goes on: the first publish, after others that timed out, succeeds in 1 s."""
    await _publishes_after(harness, frozen)


@check(kind="fault")
async def G6_a_publish_succeeds_after_refusals(harness: MessagingHarness) -> None:
    """The server accepts again: the first publish succeeds in 1 s, however often it was refused."""
    await _publishes_after(harness, refused)


@check(kind="fault", feature="server_faults")
async def G6_a_publish_succeeds_after_a_restart(harness: MessagingHarness) -> None:
    """The server was killed and runs again: the first publish succeeds in 1 s."""
    await _publishes_after(harness, killed)


@check(kind="fault")
async def G6_many_publishers_come_back_together(harness: MessagingHarness) -> None:
    """Fifty first publishes at once all succeed in 1 s: they share what is being connected."""
    name = topic("together")

    async with at_work(harness, name, deadline=PATIENT) as messaging:
        call = partial(messaging.publish, name, "first")
        equal(await come_back_together(harness, call, "publish"), [None] * 50)


async def _comes_back(harness: MessagingHarness, outage: Outage) -> None:
    name, inbox = topic("back"), Inbox()

    async with at_work(harness, name, inbox):
        async with outage(faults_of(harness)):
            await asyncio.sleep(AWAY)

        await _gets(harness, name, inbox)


async def _gets(harness: MessagingHarness, name: str, inbox: Inbox) -> None:
    """Publish by an instance that has seen no fault; whoever subscribed calls nothing any more."""
    async with working(harness, group_id="publisher", deadline=10.0) as other:
        await other.publish(name, "after")
        await inbox.wait_until(lambda: "after" in inbox.payloads, "what was published afterwards")


@check(kind="fault")
async def M6_subscriptions_come_back_after_silence(harness: MessagingHarness) -> None:
    """The network carries again: what is published then comes, though nobody calls anything."""
    await _comes_back(harness, silent)


@check(kind="fault")
async def M6_subscriptions_come_back_after_refusals(harness: MessagingHarness) -> None:
    """Connections were lost and refused: what is published then comes, though nobody calls anything."""
    await _comes_back(harness, refused)


@check(kind="fault", feature="server_faults")
async def M6_subscriptions_come_back_after_a_restart(harness: MessagingHarness) -> None:
    """The server was killed and runs again: what is published then comes by itself."""
    faults, name, inbox = faults_of(harness), topic("restarted"), Inbox()

    async with at_work(harness, name, inbox):
        await faults.kill()
        await faults.start()
        await _gets(harness, name, inbox)
