"""Handlers that collect what they get, and let a check wait for it."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from ...interfaces import MessageInfo, OperationError, current_message
from .._stopwatch import Stopwatch

__all__ = ["PATIENCE", "Gate", "Inbox", "cancel_inside", "patience", "topic"]

PATIENCE = 30.0
"""Seconds that a check waits for what must come; a broker's first rebalance takes some."""


def topic(name: str) -> str:
    """Return a topic that no other check uses."""
    return f"{name}.{uuid4().hex[:12]}"


@asynccontextmanager
async def patience(told: Callable[[], str]) -> AsyncIterator[None]:
    """Fail the check when the block has not ended in time; ``told()`` says what it waited for."""
    scope = asyncio.timeout(PATIENCE)

    try:
        async with scope:
            yield
    except builtins.TimeoutError as exc:
        # Ours is a builtin one too: what the block itself raised is not for us.
        if not scope.expired():
            raise

        raise AssertionError(f"waited {PATIENCE:g} s for {told()}") from exc


class Inbox:
    """A handler that keeps every payload and what was known of its message.

    ``fail``  is called with each payload, before it is kept, and may raise.
    """

    def __init__(self, fail: Callable[[Any], None] | None = None) -> None:
        self.payloads: list[Any] = []
        self.infos: list[MessageInfo] = []
        self.calls = 0
        self._fail = fail
        self._changed = asyncio.Event()
        self._unknown: OperationError | None = None

    async def __call__(self, payload: Any) -> None:
        self.calls += 1

        if self._fail is not None:
            self._fail(payload)

        try:
            self.infos.append(current_message())
        except OperationError as exc:
            self._unknown = exc
            self._changed.set()
            raise

        self.payloads.append(payload)
        self._changed.set()

    async def wait(self, count: int) -> list[Any]:
        """Return the payloads once there are ``count`` of them."""
        await self.wait_until(lambda: len(self.payloads) >= count, f"{count} messages")
        return self.payloads

    async def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once ``condition()`` holds, looked at after each message."""
        async with patience(lambda: f"{what}, got {self.payloads!r:.400}"):
            while not condition():
                self._refuse_unknown()
                self._changed.clear()
                await self._changed.wait()

    def _refuse_unknown(self) -> None:
        # Else a backend that hands over nothing but the payload would be waited for in every check.
        if self._unknown is not None:
            msg = (
                "current_message() knows no message inside a handler: a backend without the "
                "delivery engine calls it in `with infrastructure.backends.handling(info):`"
            )
            raise AssertionError(msg) from self._unknown


class Gate:
    """A handler that stays in its call until it is let go.

    ``running`` calls are inside now, ``most`` were at once; ``payloads`` came out of it.
    ``beside``  another gate: who waits for a condition of either looks when one of them changes.
    """

    def __init__(
        self, *, stops: Callable[[Any], bool] = lambda _: True, beside: Gate | None = None
    ) -> None:
        self.running = 0
        self.most = 0
        self.entered: list[Any] = []
        self.payloads: list[Any] = []
        self.cancelled: list[Any] = []
        self._stops = stops
        self._open = asyncio.Event()
        self._changed: asyncio.Event = beside._changed if beside else asyncio.Event()

    async def __call__(self, payload: Any) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.entered.append(payload)
        self._changed.set()

        try:
            if self._stops(payload):
                await self._open.wait()

            self.payloads.append(payload)
        except asyncio.CancelledError:
            self.cancelled.append(payload)
            raise
        finally:
            self.running -= 1
            self._changed.set()

    def let_go(self) -> None:
        """Let all calls end, those to come too."""
        self._open.set()

    async def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Return once ``condition()`` holds, looked at whenever a call began or ended."""
        async with patience(lambda: f"{what}; entered {self.entered!r:.200}"):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


async def cancel_inside(body: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> float:
    """Cancel ``body`` once it has set its event; return the seconds that it took to end."""
    inside = asyncio.Event()
    task = asyncio.create_task(body(inside))
    entered = asyncio.create_task(inside.wait())
    await asyncio.wait({task, entered}, return_when=asyncio.FIRST_COMPLETED)
    entered.cancel()

    assert not task.done(), f"the body ended before it was cancelled: {task!r}"

    watch = Stopwatch()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled(), "the cancellation was swallowed"
    return watch.taken
