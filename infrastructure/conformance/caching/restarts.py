"""G9 and E3: a server that is killed and started again."""

from __future__ import annotations

import asyncio
from functools import partial

from ...interfaces import CachingInterface, ConnectionError, TimeoutError
from .._breaking import DEADLINE, answers, ends, faults_of
from .._check import check
from .._expect import beside, equal
from .._harness import CachingHarness

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


async def _write(cache: CachingInterface, name: str, acknowledged: dict[str, int]) -> None:
    """Write on and on, and note what was acknowledged; an error of ours is nothing to note."""
    number = 0

    while True:
        number += 1
        error = await ends(partial(cache.set, f"{name} {number}", number), DEADLINE, "set")

        if error is None:
            acknowledged[f"{name} {number}"] = number
        else:
            expected = isinstance(error, ConnectionError | TimeoutError)
            assert expected, f"set, while the server was killed, raised {error!r}"
            await asyncio.sleep(0.01)


@check(kind="fault", feature="durable")
async def E3_an_acknowledged_write_outlives_a_kill(harness: CachingHarness) -> None:
    """Killed again and again under ten writers: whatever ``set`` returned for is there."""
    faults = faults_of(harness)
    acknowledged: dict[str, int] = {}

    async with harness.make(deadline=DEADLINE) as cache:
        writers = [beside(_write(cache, f"w{n}", acknowledged)) for n in range(10)]

        for _ in range(_CYCLES):
            await asyncio.sleep(0.1)
            await faults.kill()
            await faults.start()

        for writer in writers:
            writer.cancel()

        ended = await asyncio.gather(*writers, return_exceptions=True)
        wrong = [one for one in ended if not isinstance(one, asyncio.CancelledError)]
        assert not wrong, f"a writer failed: {wrong[0]!r}"
        assert acknowledged, "no write was acknowledged at all"
        found = await answers(lambda: cache.get_many(acknowledged), "get_many", _ALL)
        lost = acknowledged.keys() - found.keys()
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged writes are lost"
