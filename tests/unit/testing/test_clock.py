"""The fake clock stands still until it is moved, and then everything due happens in order."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.testing.clock import FakeClock

mark: ContextVar[str] = ContextVar("mark", default="none")


async def test_it_moves_by_hand_only() -> None:
    """Both times by the same step."""
    clock = FakeClock(datetime(2030, 1, 1, tzinfo=UTC))
    before = clock.monotonic()
    await clock.advance(90)
    assert clock.monotonic() - before == 90
    assert clock.now() == datetime(2030, 1, 1, tzinfo=UTC) + timedelta(seconds=90)


async def test_calls_happen_in_order_at_their_time() -> None:
    """Those that they ask for too, each in an empty context; cancelled ones never."""
    clock = FakeClock()
    start = clock.monotonic()
    seen: list[tuple[str, float, str]] = []
    mark.set("caller's")

    def note(name: str) -> None:
        seen.append((name, clock.monotonic() - start, mark.get()))

    def first() -> None:
        note("first")
        clock.call_later(1, lambda: note("again"))

    clock.call_later(5, lambda: note("second"))
    clock.call_later(2, first)
    clock.call_later(5, lambda: note("third"))
    clock.call_later(9, lambda: note("late"))
    clock.call_later(1, lambda: note("never")).cancel()
    clock.call_later(-1, lambda: note("at once"))
    await clock.advance(6)
    assert seen == [
        ("at once", 0, "none"),
        ("first", 2, "none"),
        ("again", 3, "none"),
        ("second", 5, "none"),
        ("third", 5, "none"),
    ]


async def test_a_sleeper_wakes_when_its_time_has_come() -> None:
    """Not before; one that is cancelled leaves no timer that matters."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(3))
    cancelled = asyncio.create_task(clock.sleep(3))
    await clock.advance(2.9)
    assert not sleeper.done()
    cancelled.cancel()
    await clock.advance(0.2)
    assert sleeper.done()

    with pytest.raises(asyncio.CancelledError):
        await cancelled


async def test_a_sleeper_that_is_cancelled_as_its_time_comes_stays_cancelled() -> None:
    """Both in one turn of the loop: the timer finds the future done."""
    clock = FakeClock()
    sleeper = asyncio.create_task(clock.sleep(3))
    await asyncio.sleep(0)
    ((_, _, timer),) = clock._timers
    sleeper.cancel()
    assert timer.callback is not None
    timer.callback()

    with pytest.raises(asyncio.CancelledError):
        await sleeper
