"""G5, E3 and M1: a server that answers nobody holds nobody up."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ...interfaces import Message, MessagingInterface, deadline
from .._breaking import DEADLINE, PATIENT, Call, answers, ends, faults_of, of
from .._check import check
from .._expect import beside
from .._fault_checks.connects import a_connect_ends
from .._fault_checks.outages import late
from .._harness import MessagingHarness
from .._outages import Outage, frozen, silent
from ._at_work import accounted_for, at_work, subscribing, works
from ._inbox import Inbox, topic

__all__ = [
    "E3_a_publish_that_timed_out_names_itself",
    "G5_a_block_rules_over_a_silent_server",
    "G5_a_connect_to_a_frozen_server_ends",
    "G5_a_connect_to_a_silent_server_ends",
    "G5_every_publish_to_a_frozen_server_ends",
    "G5_every_publish_to_a_silent_server_ends",
    "M1_a_late_answer_is_waited_for",
]


def _publishes(messaging: MessagingInterface, name: str) -> dict[str, Call]:
    return {
        "publish": lambda: messaging.publish(name, "lost"),
        "publish with a key": lambda: messaging.publish(name, Message("lost", key="k")),
        "publish to a new topic": lambda: messaging.publish(topic("new"), "lost"),
        "publish_many": lambda: messaging.publish_many(name, ["lost", "lost"]),
    }


async def _every_publish_ends(harness: MessagingHarness, outage: Outage) -> None:
    name = topic("silent")

    async with at_work(harness, name) as messaging:
        async with outage(faults_of(harness)):
            for what, error in (await late(_publishes(messaging, name))).items():
                accounted_for(error, what)

        await answers(lambda: messaging.publish(name, "after"), "publish afterwards")


@check(kind="fault")
async def G5_every_publish_to_a_silent_server_ends(harness: MessagingHarness) -> None:
    """Behind a network that carries nothing: TimeoutError within the deadline + 250 ms."""
    await _every_publish_ends(harness, silent)


@check(kind="fault", feature="server_faults")
async def G5_every_publish_to_a_frozen_server_ends(harness: MessagingHarness) -> None:
    """To a process that is stopped: TimeoutError within the deadline + 250 ms."""
    await _every_publish_ends(harness, frozen)


@check(kind="fault")
async def G5_a_connect_to_a_silent_server_ends(harness: MessagingHarness) -> None:
    """It is no success either: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, silent, works)


@check(kind="fault", feature="server_faults")
async def G5_a_connect_to_a_frozen_server_ends(harness: MessagingHarness) -> None:
    """The kernel accepts for it, nobody answers: TimeoutError, and connect works afterwards."""
    await a_connect_ends(harness, frozen, works)


@check(kind="fault", feature="deadlines")
async def G5_a_block_rules_over_a_silent_server(harness: MessagingHarness) -> None:
    """``with deadline(...)`` ends every call that has more time by itself, ``subscribe`` too."""
    name, other, inbox = topic("block"), topic("other"), Inbox()

    async with at_work(harness, name, inbox, deadline=10.0) as messaging:
        await subscribing(messaging, other, Inbox())

        async with silent(faults_of(harness)):
            with deadline(DEADLINE), deadline(10.0):
                calls = _publishes(messaging, name)
                new = partial(messaging.subscribe, topic("new"), Inbox())
                await late({**calls, "subscribe": new})

            with deadline(DEADLINE):
                # Nothing of it need be asked of the server, and then it may succeed.
                await ends(partial(messaging.unsubscribe, other), DEADLINE, "unsubscribe")

            with deadline(None):
                patient = beside(messaging.publish(name, "patient"))

            await asyncio.sleep(0)

        await answers(of(patient), "a publish without a deadline, once the server is back", PATIENT)
        await inbox.wait_until(lambda: "patient" in inbox.payloads, "what was published patiently")


@check(kind="fault")
async def E3_a_publish_that_timed_out_names_itself(harness: MessagingHarness) -> None:
    """What was tried, and on which topic, stands in the text of its error."""
    name = topic("named")

    async with at_work(harness, name) as messaging, silent(faults_of(harness)):
        error = (await late({"publish": partial(messaging.publish, name, 1)}))["publish"]
        told = str(error)
        assert "publish" in told, f"publish is not named: {told}"
        assert name in told, f"the topic is not named: {told}"


@check(kind="fault")
async def M1_a_late_answer_is_waited_for(harness: MessagingHarness) -> None:
    """Over a network that takes 100 ms each way: calls succeed, and messages come in order."""
    name, inbox = topic("late"), Inbox()

    async with at_work(harness, name, inbox, deadline=PATIENT) as messaging:
        faults_of(harness).proxy.delay(0.1)
        payloads: list[Any] = []

        for number in range(4):
            payloads.append(number)
            await answers(
                partial(messaging.publish, name, Message(number, key="k")), "publish", PATIENT
            )

        await inbox.wait_until(lambda: len(set(inbox.payloads)) == 5, "all messages")
        came = [each for each in inbox.payloads if each in payloads]
        assert sorted(set(came), key=came.index) == payloads, f"they came as {came}"
