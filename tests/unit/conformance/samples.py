"""A cache that every test of the runner can use, and checks made for the occasion."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from infrastructure.conformance import CachingHarness, Check
from infrastructure.conformance._check import check
from infrastructure.conformance.harnesses.memory import MemoryCacheHarness

__all__ = ["Noted", "Plain", "as_check", "errs", "fails", "falls_silent", "hangs", "holds", "logs"]


class Plain(MemoryCacheHarness):
    """A harness that declares everything."""


class Noted(Plain):
    """Notes what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        made.append(self)

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")


made: list[Noted] = []


def as_check(run: Callable[[Any], Awaitable[None]], **options: Any) -> Check:
    """Return a check of the line C1 that runs so."""

    async def C1_made_for_a_test(harness: CachingHarness) -> None:
        """It holds."""
        await run(harness)

    return check(**options)(C1_made_for_a_test)


async def holds(harness: CachingHarness) -> None:
    async with harness.make() as cache:
        await cache.set("a", 1)


async def fails(_: CachingHarness) -> None:
    msg = "two is not one"
    raise AssertionError(msg)


async def errs(_: CachingHarness) -> None:
    raise LookupError


async def hangs(_: CachingHarness) -> None:
    await asyncio.Event().wait()


async def falls_silent(_: CachingHarness) -> None:
    """Hang, whatever is asked."""
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


async def logs(_: CachingHarness) -> None:
    logging.getLogger("theirs").warning("the disk is full\nreally")
    raise LookupError("no room")
