"""One task that calls a handler, one message after another."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

from ._calls import Call

__all__ = ["Runner"]

C = TypeVar("C", bound=Call)


class Runner(Generic[C]):
    """What a lane knows of its task; ``stopped`` when it is we who cancelled it."""

    __slots__ = ("call", "stopped", "task")

    def __init__(self) -> None:
        self.call: C | None = None
        self.stopped = False
        self.task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Cancel it, and with it the handler."""
        self.stopped = True

        if self.task is not None:
            self.task.cancel()
