"""A connect that is refused, cut, given up or not answered keeps nothing, and may be tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ...interfaces import ConnectionError, TimeoutError, deadline
from .._breaking import (
    BACK,
    DEADLINE,
    PATIENT,
    answers,
    descriptors,
    ends,
    faults_of,
    none_open,
    of,
    refused_or_late,
    under_way,
    until,
)
from .._harness import Backend, Harness
from .._outages import Outage, silent

__all__ = [
    "CLOSE",
    "Works",
    "a_connect_ends",
    "a_cut_connect_leaves_nothing",
    "a_refused_connect_leaves_nothing",
    "disconnect_ends_a_connect",
]

CLOSE = 1.0
"""Seconds in which disconnect has ended everything, whatever the network does."""

Works = Callable[[Backend], Awaitable[None]]
"""Uses a connected instance, and fails where that does not work."""


async def _connects(instance: Backend, works: Works[Backend]) -> None:
    await answers(instance.connect, "connect afterwards")

    try:
        await works(instance)
    finally:
        await instance.disconnect()


async def a_refused_connect_leaves_nothing(
    harness: Harness[Backend], works: Works[Backend], gone: float = BACK
) -> None:
    """Refuse three connects; ``gone`` seconds later no task and no socket of theirs is left."""
    proxy = faults_of(harness).proxy
    instance = harness.make(deadline=DEADLINE)
    proxy.refuse()
    tasks, files = asyncio.all_tasks(), descriptors()

    for _ in range(3):
        with deadline(PATIENT):
            error = await ends(instance.connect, PATIENT, "a refused connect")

        assert isinstance(error, ConnectionError), f"a refused connect gave {error!r}"
        assert error.__cause__ is not None, f"{error} has no cause"

    async def nothing_left() -> bool:
        return asyncio.all_tasks() <= tasks and descriptors() <= files

    await until(nothing_left, "a refused connect left a task or a socket", gone)
    proxy.heal()
    await _connects(instance, works)


async def a_cut_connect_leaves_nothing(
    harness: Harness[Backend], works: Works[Backend], cuts: Iterable[int], within: float
) -> None:
    """Cut the answer to a connect after each number of bytes: it fails whole, or it works."""
    proxy = faults_of(harness).proxy

    for after in cuts:
        what = f"connect, cut after {after} bytes,"
        proxy.truncate(after, "to_client", counting="next")
        instance = harness.make(deadline=within)
        error = await ends(instance.connect, within, what)
        proxy.heal()

        if error is None:
            await works(instance)
            await instance.disconnect()
        else:
            refused_or_late(error, what)

        await until(none_open(harness), f"{what} left a connection")


async def disconnect_ends_a_connect(
    harness: Harness[Backend], works: Works[Backend], gone: float = BACK
) -> None:
    """Disconnect while a server keeps silent; ``gone`` seconds later no connection is left."""
    instance = harness.make(deadline=10.0)

    async with silent(faults_of(harness)):
        connecting = under_way(instance.connect)
        await asyncio.sleep(0.05)
        await ends(instance.disconnect, CLOSE, "disconnect")
        error = await ends(of(connecting), 0.0, "the connect under way")
        assert isinstance(error, ConnectionError), f"the connect under way gave {error!r}"

    await until(none_open(harness), "the connect that was given up left a connection", gone)
    await _connects(instance, works)


async def a_connect_ends(harness: Harness[Backend], outage: Outage, works: Works[Backend]) -> None:
    """Connect to a server that does not answer: TimeoutError, and it works afterwards."""
    instance = harness.make(deadline=DEADLINE)

    async with outage(faults_of(harness)):
        error = await ends(instance.connect, DEADLINE, "connect")
        assert isinstance(error, TimeoutError), f"connect gave {error!r}, expected TimeoutError"
        await ends(instance.disconnect, DEADLINE, "disconnect after a failed connect")

    await _connects(instance, works)
