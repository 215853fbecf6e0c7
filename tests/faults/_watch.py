"""Sees what an operation leaves behind: tasks, threads, files, complaints in the log."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

__all__ = ["ARRIVAL", "PATIENCE", "nothing_left", "until"]

PATIENCE = 2.0
"""Seconds in which what goes on in the background must have ended."""

ARRIVAL = 10.0
"""Seconds that a test waits for what comes, where nothing promises when: servers may be busy."""


async def until(
    condition: Callable[[], object], now: Callable[[], object], seconds: float | None = None
) -> None:
    """Return when ``condition`` holds; fail with what ``now()`` tells when it does not in time.

    ``seconds``  those of ``PATIENCE``, unless it is given.
    """
    loop = asyncio.get_running_loop()
    patience = PATIENCE if seconds is None else seconds
    end = loop.time() + patience

    while not condition():
        assert loop.time() < end, f"still so after {patience:g} s: {now()}"
        await asyncio.sleep(0.0005)


class _Complaints(logging.Handler):
    """Errors that our code or asyncio logs: a task or a future whose error nobody received."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.getMessage()} {record.exc_info or ''}")


def _open_files() -> dict[str, str]:
    """Return what stands behind the number of each open file."""
    found: dict[str, str] = {}

    for name in os.listdir("/dev/fd"):  # noqa: PTH208
        # The folder itself is open while it is read: its number is nobody's afterwards.
        with suppress(OSError):
            found[name] = os.readlink(f"/dev/fd/{name}")  # noqa: PTH115

    return found


def _other_tasks() -> set[asyncio.Task[Any]]:
    # A fixture is begun by one task and ended by another one.
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def _closed(before: dict[str, str]) -> None:
    """Wait until no more files are open than before.

    Not the same: a server that was started again in between is watched by others.
    """

    def more() -> list[tuple[str, str]]:
        return sorted(_open_files().items() - before.items())

    await until(lambda: len(_open_files()) <= len(before), more)


async def _gone(look: Callable[[], set[Any]], before: set[Any]) -> None:
    await until(lambda: look() <= before, lambda: look() - before)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """After the block no task, no thread and no file is left, and nobody has complained."""
    tasks, threads, files = _other_tasks(), set(threading.enumerate()), _open_files()
    complaints = _Complaints()
    loggers = [logging.getLogger(name) for name in ("infrastructure", "asyncio")]

    for logger in loggers:
        logger.addHandler(complaints)

    try:
        yield
        await _gone(_other_tasks, tasks)
        await _gone(lambda: set(threading.enumerate()), threads)
        await _closed(files)
    finally:
        for logger in loggers:
            logger.removeHandler(complaints)

    assert not complaints.texts, f"somebody complained: {complaints.texts}"
