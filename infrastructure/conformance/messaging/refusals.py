"""G3 and G7: connect is all or nothing and disconnect ends everything, whatever the network does."""

from __future__ import annotations

import asyncio
from functools import partial

from .._breaking import DEADLINE, answers, faults_of, none_open, until
from .._check import check
from .._fault_checks.connects import (
    CLOSE,
    a_refused_connect_leaves_nothing,
    disconnect_ends_a_connect,
)
from .._fault_checks.disconnects import (
    disconnect_ends_what_is_held,
    disconnect_leaves_no_connection,
)
from .._harness import MessagingHarness
from .._outages import Outage, frozen, silent
from ._at_work import at_work, working, works
from ._inbox import Gate, Inbox, cancel_inside, topic

__all__ = [
    "G3_a_refused_connect_leaves_nothing",
    "G3_disconnect_ends_a_connect_to_a_silent_server",
    "G3_disconnect_ends_what_a_frozen_server_holds",
    "G3_disconnect_ends_what_a_silent_server_holds",
    "G3_disconnect_leaves_no_connection",
    "G7_a_cancelled_body_is_left_in_silence",
]

_DRAIN = 0.5
_AGAIN = 20.0
"""Seconds to connect again to a group that has not heard yet that a member is gone."""

_LEFT = 3.0
"""Seconds after a disconnect in which its sockets are closed: the drain, and to say good-bye."""


@check(kind="fault")
async def G3_a_refused_connect_leaves_nothing(harness: MessagingHarness) -> None:
    """ConnectionError in time with its cause; no task, no socket; connect works once it may."""
    await a_refused_connect_leaves_nothing(harness, works, _LEFT)


@check(kind="fault")
async def G3_disconnect_ends_a_connect_to_a_silent_server(harness: MessagingHarness) -> None:
    """Who waits to be connected gets a ConnectionError, long before the deadline."""
    await disconnect_ends_a_connect(harness, works, _LEFT)


async def _ends_what_is_held(harness: MessagingHarness, outage: Outage) -> None:
    name, inbox = topic("held"), Inbox()
    # What runs has half a second to end, and leaving has as long as a call.
    within = _DRAIN + 2.0

    async with at_work(harness, name, inbox, deadline=10.0, drain_timeout=_DRAIN) as messaging:
        publishes = [partial(messaging.publish, name, number) for number in range(50)]
        await disconnect_ends_what_is_held(harness, messaging.disconnect, outage, publishes, within)
        await answers(messaging.connect, "connect afterwards", _AGAIN)
        await answers(partial(messaging.publish, name, "again"), "publish after a new connect")
        await inbox.wait_until(lambda: "again" in inbox.payloads, "what was published afterwards")


@check(kind="fault", feature="drain")
async def G3_disconnect_ends_what_a_silent_server_holds(harness: MessagingHarness) -> None:
    """Behind a network that carries nothing, twice at once: all that is in flight ends with it."""
    await _ends_what_is_held(harness, silent)


@check(kind="fault", feature="server_faults")
async def G3_disconnect_ends_what_a_frozen_server_holds(harness: MessagingHarness) -> None:
    """Of a process that is stopped, twice at once: all that is in flight ends with it."""
    await _ends_what_is_held(harness, frozen)


@check(kind="fault")
async def G3_disconnect_leaves_no_connection(harness: MessagingHarness) -> None:
    """Not one, of fifty publishes and a subscription; the calls have ended well or by an error of ours."""
    name = topic("leaves")

    async with at_work(harness, name, Inbox()) as messaging:
        calls = [partial(messaging.publish, name, number) for number in range(50)]
        await disconnect_leaves_no_connection(harness, messaging.disconnect, calls, DEADLINE, _LEFT)


@check(kind="fault", feature="cancellation")
async def G7_a_cancelled_body_is_left_in_silence(harness: MessagingHarness) -> None:
    """The exit of ``async with`` neither drains nor waits for the server then: it takes 1 s at most."""
    name, gate = topic("body"), Gate()

    async def body(inside: asyncio.Event) -> None:
        async with working(harness, deadline=10.0) as messaging:
            await messaging.subscribe(name, gate)
            await messaging.publish(name, 1)
            await gate.wait_until(lambda: gate.running == 1, "the handler to run")
            faults_of(harness).proxy.black_hole()
            inside.set()
            await messaging.publish(name, 2)

    took = await cancel_inside(body)
    faults_of(harness).proxy.heal()
    assert took < CLOSE + 0.25, f"it was left after {took:.2f} s"
    assert gate.cancelled == [1], "the running handler was not cancelled"
    await until(none_open(harness), "what was cancelled left a connection", _LEFT)
