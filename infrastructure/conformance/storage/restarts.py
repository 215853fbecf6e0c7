"""E3 and S7: a server that is killed and started again."""

from __future__ import annotations

import asyncio

from ...interfaces import ConnectionError, TimeoutError
from .._breaking import DEADLINE, answers, ends, faults_of
from .._check import check
from .._expect import beside
from .._harness import StorageHarness
from ._items import Items, hurried

__all__ = ["E3_an_acknowledged_row_outlives_a_kill"]

_CYCLES = 3
_APART = 1_000_000
_INSERT = "INSERT INTO items (id) VALUES ($1)"


async def _pair(items: Items, number: int) -> None:
    await items.storage.begin_transaction()

    try:
        await items.run(_INSERT, [number])
        await items.run(_INSERT, [-number])
    except BaseException:
        await items.storage.rollback()
        raise

    await items.storage.commit()


async def _write(items: Items, writer: int, acknowledged: set[int]) -> None:
    """Write rows and pairs of rows on and on, and note what was acknowledged."""
    number = writer * _APART

    while True:
        number += 1
        pair = number % 2 == 0
        error = await ends(
            lambda: _pair(items, number) if pair else items.run(_INSERT, [number]),  # noqa: B023
            DEADLINE + 1,
            "a write",
        )

        if error is None or error == []:
            acknowledged |= {number, -number} if pair else {number}
        else:
            expected = isinstance(error, ConnectionError | TimeoutError)
            assert expected, f"a write, while the server was killed, raised {error!r}"
            await asyncio.sleep(0.01)


@check(kind="fault", feature="durable")
async def E3_an_acknowledged_row_outlives_a_kill(harness: StorageHarness) -> None:
    """Killed again and again under ten writers: what returned is there, and no half of a pair."""
    faults = faults_of(harness)
    acknowledged: set[int] = set()

    async with hurried(harness, DEADLINE) as items:
        writers = [beside(_write(items, n, acknowledged)) for n in range(1, 11)]

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
        found = set(await answers(items.ids, "a read afterwards", 5.0))
        lost = acknowledged - found
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged rows are lost"
        half = [number for number in found if number % 2 == 0 and -number not in found]
        assert not half, f"of {len(half)} transactions a half is there"
