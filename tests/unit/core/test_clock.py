"""The system's clock tells the system's time, and calls back with nothing inherited."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

from infrastructure._core.clock import SYSTEM_CLOCK

mark: ContextVar[str] = ContextVar("mark", default="none")


async def test_the_time_is_the_systems() -> None:
    """Monotonic, and the wall clock's in UTC."""
    assert abs(SYSTEM_CLOCK.monotonic() - time.monotonic()) < 1
    now = SYSTEM_CLOCK.now()
    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
    await SYSTEM_CLOCK.sleep(0)


async def test_a_callback_runs_in_an_empty_context() -> None:
    """And not at all when it was cancelled."""
    mark.set("caller's")
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    SYSTEM_CLOCK.call_later(10, lambda: seen.set_result("late")).cancel()
    SYSTEM_CLOCK.call_later(0, lambda: seen.set_result(mark.get()))
    assert await seen == "none"
