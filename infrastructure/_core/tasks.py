"""Background tasks of a backend: owned, in an empty context, ended together, never silent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from ..interfaces._context import start_task

__all__ = ["Tasks", "logger", "start_task"]

logger = logging.getLogger("infrastructure")


class Tasks:
    """The background tasks of one backend."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``coroutine`` in an empty context; its error is logged, nobody need await it."""
        task = start_task(coroutine, name=f"{self._owner}: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)

        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("background task %r failed", task.get_name(), exc_info=error)

    def stop(self) -> None:
        """Cancel all tasks, without waiting for their end."""
        for task in self._tasks:
            task.cancel()

    async def cancel(self, within: float = 1.0) -> None:
        """Cancel all tasks but the calling one; wait up to ``within`` seconds for their end."""
        others = self._tasks - {asyncio.current_task()}

        for task in others:
            task.cancel()

        if others:
            await asyncio.wait(others, timeout=within)
