"""F11: thousands of operations are cancelled at random moments."""

from __future__ import annotations

import asyncio
import random

import pytest

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._timing import draw_seed, share
from .._watch import until
from ._cache_cancels import CacheCancels
from ._caches import Make, Note

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]


async def test_F11_cancelled_operations_do_no_harm(
    make: Make,
    private_valkey: RedisServer,
    counters: Counters,
    connections: int,
    record_property: Note,
) -> None:
    """No answer goes to another caller, no cancellation is lost, no connection stays or is added."""
    seed = draw_seed()

    async with make(private_valkey, deadline=5) as cache:
        made = counters.read().connections
        cancels = CacheCancels(cache, random.Random(seed))
        await cancels.run(share(10_000))
        counts = cancels.counts
        assert counts["cancelled"] > counts["operations"] / 4, counts
        assert (counts["foreign"], counts["lost"]) == (0, 0), (seed, counts)
        # A shared link stays; one for large values comes beside it.
        assert connections > 1 or counters.read().connections - made <= 1
        await until(lambda: counters.read().open <= connections + 1, counters.clients)
        mine = {f"mine {n}": f"mine {n}" for n in range(100)}
        await asyncio.gather(*(cache.set(key, value) for key, value in mine.items()))
        assert await asyncio.gather(*map(cache.get, mine)) == list(mine.values())

    await until(lambda: counters.read().open == 0, counters.clients)

    for name in ("operations", "cancelled", "foreign", "lost"):
        record_property(f"cancel fuzz: {name}", counts[name])

    record_property("cancel fuzz: seed", seed)
