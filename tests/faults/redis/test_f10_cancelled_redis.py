"""F10: every method of the Redis cache, cancelled at every await."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infrastructure.caching.redis import RedisCache

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._sweep import Scenario, Stage
from .._watch import until
from ._caches import Make
from .redis_scenarios import SCENARIOS

pytestmark = pytest.mark.slow


async def works(cache: RedisCache) -> None:
    """A call for each connection that there may be gets its own answer; then all is empty again."""
    mine = {f"works {n}": n for n in range(10)}
    await cache.set_many(mine)
    assert await asyncio.gather(*map(cache.get, mine)) == list(range(10))
    await cache.delete_many(await cache.scan_keys("*"))


def held(cache: RedisCache) -> dict[str, Any]:
    """Return values that are being made, and calls of connect that are under way."""
    return {"flights": cache._flights.tasks, "waiting": cache._waiting}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
async def test_F10_a_cancelled_operation_leaves_nothing(
    make: Make, private_valkey: RedisServer, counters: Counters, scenario: Scenario
) -> None:
    """The cancellation comes out, nothing leaks, own replies only, and no connection stays."""
    stage = Stage(lambda: make(private_valkey, deadline=2), works, held)
    await stage.sweep(scenario)
    await until(lambda: counters.read().open == 0, counters.clients)


def test_F10_every_public_method_has_a_scenario() -> None:
    """A method that is added needs one too."""
    assert not SCENARIOS.missing(RedisCache)
