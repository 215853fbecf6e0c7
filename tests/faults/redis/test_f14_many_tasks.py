"""F14: far more tasks at once than a link has room for."""

from __future__ import annotations

import asyncio

import pytest

from infrastructure import deadline

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._timing import PATIENT, connected, healed, share
from .._watch import until
from ._caches import Make, Note

pytestmark = pytest.mark.slow


@pytest.mark.soak
async def test_F14_all_succeed_on_the_few_connections(
    make: Make,
    private_valkey: RedisServer,
    counters: Counters,
    connections: int,
    record_property: Note,
) -> None:
    """Each gets its own answer; there are no more connections than there may be."""
    # A shared link has room for 16,384 questions; a pool takes its time.
    tasks = 20_000 if connections == 1 else share(40_000)

    async def one(number: int) -> bool:
        await cache.set(f"key {number}", number)
        return bool(await cache.get(f"key {number}") == number)

    async with make(private_valkey, deadline=30) as cache:
        made = counters.read().connections
        wrong = tasks - sum(await asyncio.gather(*map(one, range(tasks))))
        assert wrong == 0
        record_property("tasks at once", tasks)
        await until(lambda: counters.read().open <= connections, counters.clients)
        assert connections > 1 or counters.read().connections == made


async def test_F14_some_may_be_overdue_and_the_rest_is_right(
    make: Make, private_valkey: RedisServer, counters: Counters, connections: int
) -> None:
    """With a deadline that is too short for all of them, each gets its answer or a TimeoutError."""
    async with connected(make(private_valkey, deadline=0.15)) as cache:
        with deadline(PATIENT):
            await cache.set_many({f"key {n}": n for n in range(100)})

        asked = (cache.get(f"key {n % 100}") for n in range(10_000))
        ends = await asyncio.gather(*asked, return_exceptions=True)
        wrong = [
            end
            for n, end in enumerate(ends)
            if end != n % 100 and not isinstance(end, TimeoutError)
        ]
        assert wrong == []
        await until(lambda: counters.read().open <= connections, counters.clients)

        with healed():
            assert await cache.get("key 7") == 7
