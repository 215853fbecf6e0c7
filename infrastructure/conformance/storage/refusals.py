"""G3: connect is all or nothing and disconnect ends everything, whatever the network does."""

from __future__ import annotations

import asyncio

from ...interfaces import ConnectionError, InfrastructureError, StorageInterface, TimeoutError
from .._breaking import (
    DEADLINE,
    PATIENT,
    Silence,
    answers,
    descriptors,
    ends,
    faults_of,
    frozen,
    none_open,
    of,
    silent,
    until,
)
from .._check import check
from .._expect import beside, equal
from .._harness import StorageHarness
from ._items import hurried

__all__ = [
    "G3_a_connect_that_is_cut_leaves_nothing",
    "G3_a_refused_connect_leaves_nothing",
    "G3_disconnect_ends_a_connect_to_a_silent_server",
    "G3_disconnect_ends_what_a_frozen_server_holds",
    "G3_disconnect_ends_what_a_silent_server_holds",
    "G3_disconnect_leaves_no_connection",
]

_CLOSE = 1.0
_CUTS = 40
"""How often the answer to a connect is cut, each time a little later."""


async def _works(storage: StorageInterface) -> None:
    equal(await answers(lambda: storage.execute("SELECT 1 AS n"), "a statement"), [{"n": 1}])


@check(kind="fault")
async def G3_a_refused_connect_leaves_nothing(harness: StorageHarness) -> None:
    """ConnectionError in time with its cause; no task, no socket; connect works once it may."""
    proxy = faults_of(harness).proxy
    storage = harness.make(deadline=DEADLINE)
    proxy.refuse()
    tasks, files = asyncio.all_tasks(), descriptors()

    for _ in range(3):
        error = await ends(storage.connect, DEADLINE, "a refused connect")
        assert isinstance(error, ConnectionError), f"a refused connect gave {error!r}"
        assert error.__cause__ is not None, f"{error} has no cause"

    async def nothing_left() -> bool:
        return asyncio.all_tasks() <= tasks and descriptors() <= files

    await until(nothing_left, "a refused connect left a task or a socket")
    proxy.heal()
    await answers(storage.connect, "connect once it may")
    await _works(storage)
    await storage.disconnect()


@check(kind="fault")
async def G3_a_connect_that_is_cut_leaves_nothing(harness: StorageHarness) -> None:
    """Cut anywhere in the answer to what it says first: it fails whole, or it works."""
    proxy = faults_of(harness).proxy

    async with harness.make():
        length = proxy.bytes_to_client

    for after in range(0, length + _CUTS, max(1, length // _CUTS)):
        proxy.truncate(after, "to_client", counting="next")
        storage = harness.make(deadline=PATIENT)
        error = await ends(storage.connect, PATIENT, f"connect, cut after {after} bytes")
        proxy.heal()

        if error is None:
            await _works(storage)
            await storage.disconnect()
        else:
            expected = isinstance(error, ConnectionError | TimeoutError)
            assert expected, f"connect, cut after {after} bytes, raised {error!r}"

        await until(none_open(harness), f"a connect, cut after {after} bytes, left a connection")


@check(kind="fault")
async def G3_disconnect_ends_a_connect_to_a_silent_server(harness: StorageHarness) -> None:
    """Who waits to be connected gets a ConnectionError, long before the deadline."""
    storage = harness.make(deadline=10.0)

    async with silent(faults_of(harness)):
        connecting = beside(storage.connect())
        await asyncio.sleep(0.05)
        await ends(storage.disconnect, _CLOSE, "disconnect")
        error = await ends(lambda: connecting, 0.0, "the connect under way")
        assert isinstance(error, ConnectionError), f"the connect under way gave {error!r}"

    await until(none_open(harness), "the connect that was given up left a connection")
    await answers(storage.connect, "connect afterwards")
    await _works(storage)
    await storage.disconnect()


async def _ends_what_is_held(harness: StorageHarness, silence: Silence) -> None:
    async with hurried(harness, 10.0) as items:
        await items.add(-1)
        await items.ids()

        async with silence(faults_of(harness)):
            reads = [beside(items.ids()) for _ in range(25)]
            writes = [beside(items.add(number)) for number in range(25)]
            await asyncio.sleep(0.05)
            leaving = [beside(items.storage.disconnect()) for _ in range(2)]
            held = [*leaving, *reads, *writes]
            found = await asyncio.gather(*(ends(of(one), _CLOSE, "what it held") for one in held))

        equal(found[:2], [None, None])
        wrong = [one for one in found[2:] if not isinstance(one, InfrastructureError)]
        assert not wrong, f"a silent server answered {wrong!r:.200}"
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
        calls = [beside(items.add(number)) for number in range(50)]
        await asyncio.sleep(0)
        await answers(items.storage.disconnect, "disconnect", _CLOSE)
        await asyncio.gather(*(ends(of(one), PATIENT, "a call under way") for one in calls))
        await until(none_open(harness), "disconnect left a connection")
