"""F23: a wall clock that jumps changes nothing: time here is monotonic."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import pytest

from infrastructure import TimeoutError
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._timing import unhurried
from ._storages import CALLS, DEADLINE, warmed

pytestmark = pytest.mark.slow


def _jump(patch: pytest.MonkeyPatch, seconds: float) -> None:
    real = time.time
    patch.setattr(time, "time", lambda: real() + seconds)
    patch.setattr(time, "time_ns", lambda: int((real() + seconds) * 10**9))


@pytest.mark.parametrize("seconds", [3600, -3600, 10**9])
@unhurried
async def test_F23_every_call_works(
    storage: PostgresStorage, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """None is overdue, none is late, idle connections stay."""
    await warmed(storage)
    _jump(monkeypatch, seconds)

    for call in CALLS.values():
        await call(storage)


async def test_F23_a_jump_ends_no_call_and_delays_no_deadline(
    storage: PostgresStorage, proxy: ChaosProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls under way when the clock jumps end when their deadline says."""
    await warmed(storage)
    proxy.black_hole()
    watch = Stopwatch()
    tasks = [
        asyncio.ensure_future(call())
        for call in (
            partial(storage.execute, "SELECT id FROM t WHERE id = $1", [1]),
            partial(storage.execute, "SELECT pg_sleep(1)"),
        )
    ]
    await asyncio.sleep(0)
    _jump(monkeypatch, -3600)
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [TimeoutError] * 2
    assert watch.passed > DEADLINE - 0.01
    assert watch.taken < DEADLINE + 0.25
    proxy.heal()
