"""G3: connect is all or nothing and disconnect ends everything, whatever the network does."""

from __future__ import annotations

from functools import partial

from .._breaking import PATIENT, Call, answers, faults_of
from .._check import check
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
from .._harness import StorageHarness
from .._outages import Outage, frozen, silent
from ._items import hurried, works

__all__ = [
    "G3_a_connect_that_is_cut_leaves_nothing",
    "G3_a_refused_connect_leaves_nothing",
    "G3_disconnect_ends_a_connect_to_a_silent_server",
    "G3_disconnect_ends_what_a_frozen_server_holds",
    "G3_disconnect_ends_what_a_silent_server_holds",
    "G3_disconnect_leaves_no_connection",
]

_CUTS = 40
"""How often the answer to a connect is cut, each time a little later."""


@check(kind="fault")
async def G3_a_refused_connect_leaves_nothing(harness: StorageHarness) -> None:
    """ConnectionError in time with its cause; no task, no socket; connect works once it may."""
    await a_refused_connect_leaves_nothing(harness, works)


@check(kind="fault")
async def G3_a_connect_that_is_cut_leaves_nothing(harness: StorageHarness) -> None:
    """Cut anywhere in the answer to what it says first: it fails whole, or it works."""
    async with harness.make():
        length = faults_of(harness).proxy.bytes_to_client

    cuts = range(0, length + _CUTS, max(1, length // _CUTS))
    await a_cut_connect_leaves_nothing(harness, works, cuts, PATIENT)


@check(kind="fault")
async def G3_disconnect_ends_a_connect_to_a_silent_server(harness: StorageHarness) -> None:
    """Who waits to be connected gets a ConnectionError, long before the deadline."""
    await disconnect_ends_a_connect(harness, works)


async def _ends_what_is_held(harness: StorageHarness, outage: Outage) -> None:
    async with hurried(harness, 10.0) as items:
        await items.add(-1)
        await items.ids()
        calls: list[Call] = [items.ids for _ in range(25)]
        calls += [partial(items.add, number) for number in range(25)]
        await disconnect_ends_what_is_held(harness, items.storage.disconnect, outage, calls, CLOSE)
        await answers(items.storage.connect, "connect afterwards")
        assert -1 in await answers(items.ids, "a read after a new connect"), "a row is lost"


@check(kind="fault")
async def G3_disconnect_ends_what_a_silent_server_holds(harness: StorageHarness) -> None:
    """Behind a network that carries nothing, twice at once: all that is in flight ends in 1 s."""
    await _ends_what_is_held(harness, silent)


@check(kind="fault", feature="server_faults")
async def G3_disconnect_ends_what_a_frozen_server_holds(harness: StorageHarness) -> None:
    """Of a process that is stopped, twice at once: all that is in flight ends in 1 s."""
    await _ends_what_is_held(harness, frozen)


@check(kind="fault")
async def G3_disconnect_leaves_no_connection(harness: StorageHarness) -> None:
    """Not one, after fifty calls at once; the calls have an answer or an error of ours."""
    async with hurried(harness, PATIENT) as items:
        calls = [partial(items.add, number) for number in range(50)]
        await disconnect_leaves_no_connection(harness, items.storage.disconnect, calls, PATIENT)
