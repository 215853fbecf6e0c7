"""Faults of all kinds in random order, while thirty tasks write and read."""

from __future__ import annotations

import asyncio
import random

import pytest

from infrastructure.testing import ChaosProxy

from ...servers import valkey
from ...servers.server import RedisServer
from .._timing import SOAK, connected, draw_seed, healed
from .._watch import nothing_left
from ._caches import Make, Note
from ._histories import Histories
from ._schedule import Schedule

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

SECONDS = 60 if SOAK else 3
SEEDS = range(3 if SOAK else 1)
DEADLINE = 0.5


@pytest.mark.parametrize("number", SEEDS)
async def test_no_answer_is_wrong_whatever_fails(
    make: Make, record_property: Note, number: int
) -> None:
    """No foreign, no older and no lost value; every call ends in time; then the first call works."""
    seed = draw_seed()
    rng = random.Random(seed)

    async with (
        # Around the server too, which has other files after a restart.
        nothing_left(),
        RedisServer(valkey.program(), durable=True) as server,
        ChaosProxy((server.host, server.port)) as proxy,
        connected(make(proxy, deadline=DEADLINE)) as cache,
    ):
        histories, schedule = Histories(cache, rng, DEADLINE), Schedule(proxy, server, rng)
        work = asyncio.ensure_future(histories.run())

        try:
            await schedule.run(SECONDS)

            with healed():
                await cache.get("first")
        finally:
            histories.stop()
            await work

        await histories.check()
        assert histories.wrong == [], seed

    for name, count in [*schedule.faults.items(), *histories.counts.items()]:
        record_property(f"schedule {number}: {name}", count)

    record_property(f"schedule {number}: seed", seed)
