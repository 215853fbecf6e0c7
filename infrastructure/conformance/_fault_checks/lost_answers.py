"""A call whose answer is lost: the server has what was sent, and the connection ends."""

from __future__ import annotations

import asyncio
from typing import Any

from ...testing import ChaosProxy
from .._breaking import PATIENT, Call, ends, of, under_way, until
from .._outages import NOTICED

__all__ = ["lost"]


async def lost(proxy: ChaosProxy, call: Call, what: str, within: float = PATIENT) -> Any:
    """Return what becomes of a call whose answer was lost with its connection."""
    task = await _sent(proxy, call, what)
    proxy.reset()
    proxy.heal()
    return await ends(of(task), within, what)


async def _sent(proxy: ChaosProxy, call: Call, what: str) -> asyncio.Task[Any]:
    """Return the task of a call whose bytes the server has, and whose answer is held back."""
    proxy.black_hole("to_client")
    before = proxy.bytes_to_server

    async def left() -> bool:
        return proxy.bytes_to_server > before

    task = under_way(call)
    await until(left, f"{what} sent nothing")
    # It is on its way over the loopback: a server that is there reads it.
    await asyncio.sleep(NOTICED)
    return task
