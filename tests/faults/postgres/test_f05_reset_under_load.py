"""F5: all connections are reset again and again while many tasks read."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from infrastructure.interfaces.exceptions import ConnectionError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._timing import healed, unhurried

pytestmark = pytest.mark.slow


@unhurried
async def test_F5_resets_under_load_end_the_calls_and_nothing_else(
    storage: PostgresStorage, proxy: ChaosProxy
) -> None:
    """A call ends right or by ConnectionError, the loop goes on, and the next call works.

    libpq has no end to what it gives of a pipeline whose connection is lost.
    """
    counts: Counter[str] = Counter()
    running = True

    async def read(number: int) -> None:
        while running:
            try:
                rows = await storage.execute("SELECT CAST($1 AS bigint) AS n", [number])
            except ConnectionError:
                counts["lost"] += 1
                # An outage has tasks that wait, not tasks that spin.
                await asyncio.sleep(0)
            else:
                assert rows == [{"n": number}]
                counts["right"] += 1

    tasks = [asyncio.ensure_future(read(number)) for number in range(50)]

    for number in range(20):
        # Some turns of the loop later, so that statements are on their way.
        before = counts["right"]

        while counts["right"] < before + 20 * (1 + number % 5):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0)

        proxy.reset()

    running = False
    await asyncio.gather(*tasks)
    assert counts["lost"]

    with healed():
        assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
