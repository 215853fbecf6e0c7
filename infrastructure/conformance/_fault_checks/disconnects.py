"""A disconnect ends whatever is in flight, and no connection outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from ...interfaces import InfrastructureError
from .._breaking import BACK, Call, answers, ends, faults_of, none_open, of, under_way, until
from .._expect import equal
from .._harness import Harness
from .._outages import Outage

__all__ = ["disconnect_ends_what_is_held", "disconnect_leaves_no_connection"]


async def disconnect_ends_what_is_held(
    harness: Harness[Any],
    disconnect: Call,
    outage: Outage,
    calls: Iterable[Call],
    within: float,
) -> None:
    """Disconnect twice at once under ``calls`` that nobody answers: each ends by an error of ours."""
    async with outage(faults_of(harness)):
        held = [under_way(call) for call in calls]
        await asyncio.sleep(0.05)
        leaving = [under_way(disconnect) for _ in range(2)]
        ending = [ends(of(one), within, "what it held") for one in [*leaving, *held]]
        found = await asyncio.gather(*ending)

    equal(found[:2], [None, None])
    wrong = [one for one in found[2:] if not isinstance(one, InfrastructureError)]
    assert not wrong, f"a server that does not answer gave {wrong!r:.200}"


async def disconnect_leaves_no_connection(
    harness: Harness[Any],
    disconnect: Call,
    calls: Iterable[Call],
    within: float,
    gone: float = BACK,
) -> None:
    """Disconnect under ``calls``: they end ``within`` seconds, and the connections in ``gone``."""
    running = [under_way(call) for call in calls]
    await asyncio.sleep(0)
    await answers(disconnect, "disconnect", gone)
    await asyncio.gather(*(ends(of(one), within, "a call under way") for one in running))
    await until(none_open(harness), "disconnect left a connection", gone)
