"""Every method of the cache in memory, cancelled at every await."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.caching.memory import MemoryCache

from ._sweep import Scenario, Stage
from .cache_scenarios import MOST, SCENARIOS


async def works(cache: MemoryCache) -> None:
    """A write, a read and a removal."""
    await cache.set("works", {"n": 1})
    assert await cache.get("works") == {"n": 1}
    assert await cache.delete("works")


def held(cache: MemoryCache) -> dict[str, Any]:
    """Return values that are being made, and calls of connect that are under way."""
    return {"flights": cache._shared.flights.tasks, "waiting": cache._waiting}


STAGE = Stage(lambda: MemoryCache(max_entries=MOST, max_bytes=5_000_000), works, held)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_a_cancelled_operation_leaves_nothing(scenario: Scenario) -> None:
    """The cancellation comes out, nothing leaks, nothing is torn, and the cache works."""
    await STAGE.sweep(scenario)


def test_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(MemoryCache)

    class Larger(MemoryCache):
        async def increment(self, key: str) -> int:
            return len(key)

    assert SCENARIOS.missing(Larger) == {"increment"}
