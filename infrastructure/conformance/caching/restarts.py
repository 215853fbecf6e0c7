"""G9 and E3: a server that is killed and started again."""

from __future__ import annotations

import asyncio
from functools import partial

from ...interfaces import CachingInterface
from .._breaking import answers, faults_of
from .._check import check
from .._expect import equal
from .._fault_checks.writers import kill_again_and_again, write_on, writing
from .._harness import CachingHarness
from ._works import hurried

__all__ = [
    "E3_an_acknowledged_write_outlives_a_kill",
    "G9_no_read_fails_after_a_restart",
]

_CYCLES = 3
_ALL = 20.0
"""Seconds for reading back thousands of keys, one after another where need be."""


@check(kind="fault", feature="server_faults")
async def G9_no_read_fails_after_a_restart(harness: CachingHarness) -> None:
    """Connections that were in use before: fifty reads at once all succeed, and the next fifty."""
    faults = faults_of(harness)

    async with harness.make(deadline=2.0) as cache:
        for _ in range(_CYCLES):
            await asyncio.gather(*(cache.get("nothing") for _ in range(50)))
            await faults.kill()
            await faults.start()

            for _ in range(2):
                reads = [answers(lambda: cache.get("nothing"), "get") for _ in range(50)]
                equal(await asyncio.gather(*reads), [None] * 50)


async def _write(
    cache: CachingInterface, writer: int, acknowledged: dict[str, int], number: int
) -> None:
    key = f"w{writer} {number}"
    await cache.set(key, number)
    acknowledged[key] = number


@check(kind="fault", feature="durable")
async def E3_an_acknowledged_write_outlives_a_kill(harness: CachingHarness) -> None:
    """Killed again and again under ten writers: whatever ``set`` returned for is there."""
    acknowledged: dict[str, int] = {}

    async with hurried(harness) as cache:
        writes = [partial(_write, cache, writer, acknowledged) for writer in range(10)]

        async with writing(map(write_on, writes)):
            await kill_again_and_again(faults_of(harness), _CYCLES, 0.1)

        assert acknowledged, "no write was acknowledged at all"
        found = await answers(lambda: cache.get_many(acknowledged), "get_many", _ALL)
        lost = acknowledged.keys() - found.keys()
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged writes are lost"
