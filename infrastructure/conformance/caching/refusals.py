"""G3: connect is all or nothing and disconnect ends everything, whatever the network does."""

from __future__ import annotations

from functools import partial

from .._breaking import DEADLINE, Call, answers
from .._check import check
from .._expect import equal
from .._fault_checks.connects import (
    CLOSE,
    a_cut_connect_leaves_nothing,
    a_refused_connect_leaves_nothing,
    disconnect_ends_a_connect,
)
from .._fault_checks.disconnects import (
    disconnect_ends_what_is_held,
    disconnect_leaves_no_connection,
)
from .._harness import CachingHarness
from .._outages import Outage, frozen, silent
from ._works import hurried, works

__all__ = [
    "G3_a_connect_that_is_cut_leaves_nothing",
    "G3_a_refused_connect_leaves_nothing",
    "G3_disconnect_ends_a_connect_to_a_silent_server",
    "G3_disconnect_ends_what_a_frozen_server_holds",
    "G3_disconnect_ends_what_a_silent_server_holds",
    "G3_disconnect_leaves_no_connection",
]

_CUTS = 40


@check(kind="fault")
async def G3_a_refused_connect_leaves_nothing(harness: CachingHarness) -> None:
    """ConnectionError in time with its cause; no task, no socket; connect works once it may."""
    await a_refused_connect_leaves_nothing(harness, works)


@check(kind="fault")
async def G3_a_connect_that_is_cut_leaves_nothing(harness: CachingHarness) -> None:
    """Cut after each byte of the answer to what it says first: it fails whole, or it works."""
    await a_cut_connect_leaves_nothing(harness, works, range(_CUTS), DEADLINE)


@check(kind="fault")
async def G3_disconnect_ends_a_connect_to_a_silent_server(harness: CachingHarness) -> None:
    """Who waits to be connected gets a ConnectionError, long before the deadline."""
    await disconnect_ends_a_connect(harness, works)


async def _ends_what_is_held(harness: CachingHarness, outage: Outage) -> None:
    async with harness.make(deadline=10.0) as cache:
        await cache.set("key", "old")
        calls: list[Call] = [lambda: cache.get("key") for _ in range(25)]
        calls += [partial(cache.set, f"key {number}", number) for number in range(25)]
        await disconnect_ends_what_is_held(harness, cache.disconnect, outage, calls, CLOSE)
        await cache.connect()
        equal(await answers(lambda: cache.get("key"), "get after a new connect"), "old")


@check(kind="fault")
async def G3_disconnect_ends_what_a_silent_server_holds(harness: CachingHarness) -> None:
    """Behind a network that carries nothing, twice at once: all that is in flight ends in 1 s."""
    await _ends_what_is_held(harness, silent)


@check(kind="fault", feature="server_faults")
async def G3_disconnect_ends_what_a_frozen_server_holds(harness: CachingHarness) -> None:
    """Of a process that is stopped, twice at once: all that is in flight ends in 1 s."""
    await _ends_what_is_held(harness, frozen)


@check(kind="fault")
async def G3_disconnect_leaves_no_connection(harness: CachingHarness) -> None:
    """Not one, after fifty calls at once; the calls have an answer or an error of ours."""
    async with hurried(harness) as cache:
        calls = [partial(cache.set, f"key {number}", number) for number in range(50)]
        await disconnect_leaves_no_connection(harness, cache.disconnect, calls, DEADLINE)
