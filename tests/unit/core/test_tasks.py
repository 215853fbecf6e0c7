"""Background tasks are owned, inherit nothing, end together and never fail in silence."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar

import pytest

from infrastructure._core.tasks import Tasks

mark: ContextVar[str] = ContextVar("mark", default="none")


async def test_a_task_runs_in_an_empty_context() -> None:
    """It sees nothing of its starter's."""
    tasks = Tasks("cache")
    mark.set("starter's")

    async def look() -> str:
        return mark.get()

    task = tasks.start(look(), "look")
    assert len(tasks) == 1
    assert await task == "none"
    assert task.get_name() == "cache: look"
    await asyncio.sleep(0)
    assert len(tasks) == 0


async def test_an_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the task's name; nobody need await it."""
    tasks = Tasks("cache")

    async def fail() -> None:
        raise LookupError("broken")

    with caplog.at_level(logging.ERROR, logger="infrastructure"):
        await asyncio.wait({tasks.start(fail(), "work")})
        await asyncio.sleep(0)

    assert "background task 'cache: work' failed" in caplog.text
    assert "LookupError: broken" in caplog.text


async def test_cancel_ends_all_but_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    """Also when one of them calls it; a cancelled task is no error."""
    tasks = Tasks("cache")
    others = [tasks.start(asyncio.Event().wait(), f"{number}") for number in range(3)]

    async def end() -> str:
        await tasks.cancel()
        return "survived"

    assert await tasks.start(end(), "end") == "survived"
    assert all(task.cancelled() for task in others)
    await tasks.cancel()
    assert not caplog.records


async def test_cancel_waits_no_longer_than_it_is_told() -> None:
    """A task that holds out is left behind."""
    tasks = Tasks("cache")
    go = asyncio.Event()

    async def stubborn() -> None:
        try:
            await go.wait()
        except asyncio.CancelledError:
            await go.wait()

    task = tasks.start(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await tasks.cancel(within=0.01)
    assert not task.done()
    go.set()
    await task
