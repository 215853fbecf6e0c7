"""A handler that collects what it gets, and may be held inside its first call."""

from __future__ import annotations

import asyncio
from typing import Any

from ._watch import ARRIVAL, until

__all__ = ["Inbox"]


class Inbox:
    """Keeps payloads when their calls end; ``held`` calls wait until they are let go."""

    def __init__(self, *, held: bool = False) -> None:
        self.payloads: list[Any] = []
        self.begun = asyncio.Event()
        self._go = asyncio.Event()

        if not held:
            self._go.set()

    async def __call__(self, payload: Any) -> None:
        self.begun.set()
        await self._go.wait()
        self.payloads.append(payload)

    def let_go_soon(self) -> None:
        """Let the calls end, but not before the caller has come to wait."""
        asyncio.get_running_loop().call_later(0.002, self._go.set)

    async def wait_for(self, payload: Any) -> None:
        """Return when a payload has been handled."""
        await until(lambda: payload in self.payloads, lambda: self.payloads, ARRIVAL)
