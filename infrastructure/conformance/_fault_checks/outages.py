"""Calls that are made while the server cannot be talked to, and the first ones after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from ...interfaces import InfrastructureError, TimeoutError, deadline
from .._breaking import DEADLINE, Call, answers, ends, faults_of, refused_or_late
from .._expect import name_of
from .._harness import Backend, Harness
from .._outages import refused

__all__ = ["AWAY", "come_back_together", "fail_for_a_while", "in_a_hurry", "late"]

AWAY = 0.8
"""Seconds of an outage: a back-off has grown to what nobody wants to wait for."""


async def late(calls: Mapping[str, Call]) -> dict[str, TimeoutError]:
    """Return the TimeoutError of every call; they are made at once."""
    found = await asyncio.gather(*(ends(call, DEADLINE, name) for name, call in calls.items()))

    for name, error in zip(calls, found, strict=True):
        told = f"{name_of(error)}: {error}" if isinstance(error, Exception) else repr(error)
        assert isinstance(error, TimeoutError), f"{name} gave {told:.200}, expected TimeoutError"

    return dict(zip(calls, found, strict=True))


async def in_a_hurry(call: Call, what: str) -> Any:
    """Return what becomes of a call that a block ends after ``DEADLINE`` seconds."""
    with deadline(DEADLINE):
        return await ends(call, DEADLINE, what)


async def fail_for_a_while(call: Call, what: str) -> list[InfrastructureError]:
    """Call again and again, as users do; return how each was refused or timed out."""
    began, errors = time.monotonic(), []

    while time.monotonic() < began + AWAY:
        error = await in_a_hurry(call, what)
        refused_or_late(error, what)
        errors.append(error)
        await asyncio.sleep(0.01)

    return errors


async def come_back_together(harness: Harness[Backend], call: Call, what: str) -> list[Any]:
    """Refuse a call; return what fifty at once give when the server accepts again."""
    async with refused(faults_of(harness)):
        refused_or_late(await in_a_hurry(call, f"{what} without a server"), what)

    return await asyncio.gather(*(answers(call, f"a first {what}") for _ in range(50)))
