"""The outages that a fault check lets pass: blocks in which the server cannot be talked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from ._faults import FaultHarness

__all__ = ["NOTICED", "Outage", "frozen", "killed", "refused", "silent"]

NOTICED = 0.05
"""Seconds in which the end of a connection is heard of, on this machine."""

Outage = Callable[[FaultHarness], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def silent(faults: FaultHarness) -> AsyncIterator[None]:
    """Let the network carry nothing inside the block."""
    faults.proxy.black_hole()

    try:
        yield
    finally:
        faults.proxy.heal()


@asynccontextmanager
async def frozen(faults: FaultHarness) -> AsyncIterator[None]:
    """Let the server stand still inside the block."""
    await faults.pause()

    try:
        yield
    finally:
        await faults.resume()


@asynccontextmanager
async def refused(faults: FaultHarness) -> AsyncIterator[None]:
    """Let the way to the server be lost, and no new one be found, inside the block."""
    faults.proxy.refuse()
    faults.proxy.reset()
    await asyncio.sleep(NOTICED)

    try:
        yield
    finally:
        faults.proxy.heal()


@asynccontextmanager
async def killed(faults: FaultHarness) -> AsyncIterator[None]:
    """Let the server be gone inside the block, without a warning; it runs again after it."""
    await faults.kill()

    try:
        yield
    finally:
        await faults.start()
