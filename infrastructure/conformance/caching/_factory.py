"""A factory of values that a check can watch and hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import Any

__all__ = ["WHO", "Factory", "soon", "started"]

PATIENCE = 5.0
"""Seconds that a check waits for what must come; only a broken backend takes them all."""

WHO: ContextVar[str] = ContextVar("who", default="nobody")


class Factory:
    """A factory that counts its calls and returns when it is told to."""

    def __init__(self, result: Any = None, *, waits: bool = True) -> None:
        self.calls: int = 0
        self.result = result
        self.begun: asyncio.Event = asyncio.Event()
        self.go: asyncio.Event = asyncio.Event()
        self.seen: list[str] = []

        if not waits:
            self.go.set()

    async def __call__(self) -> Any:
        """Note the call, wait to be let go, give the result or raise it."""
        self.calls += 1
        self.seen.append(WHO.get())
        self.begun.set()
        await self.go.wait()

        if isinstance(self.result, Exception):
            raise self.result

        return self.result


async def started(factory: Factory) -> None:
    """Return when the factory runs; a backend may ask its server first."""
    await soon(factory.begun.wait())


async def soon(call: Awaitable[Any]) -> Any:
    """Return what ``call`` gives; where it hangs the check fails, and does not hang too."""
    async with asyncio.timeout(PATIENCE):
        return await call
