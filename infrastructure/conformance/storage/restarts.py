"""E3 and S7: a server that is killed and started again."""

from __future__ import annotations

from functools import partial

from .._breaking import DEADLINE, answers, faults_of
from .._check import check
from .._fault_checks.writers import kill_again_and_again, write_on, writing
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


async def _write(items: Items, writer: int, acknowledged: set[int], count: int) -> None:
    """Write a row, or a pair of rows, and note what was acknowledged."""
    number = writer * _APART + count

    if number % 2 == 0:
        await _pair(items, number)
        acknowledged |= {number, -number}
    else:
        await items.run(_INSERT, [number])
        acknowledged.add(number)


@check(kind="fault", feature="durable")
async def E3_an_acknowledged_row_outlives_a_kill(harness: StorageHarness) -> None:
    """Killed again and again under ten writers: what returned is there, and no half of a pair."""
    acknowledged: set[int] = set()

    async with hurried(harness, DEADLINE) as items:
        writes = [partial(_write, items, writer, acknowledged) for writer in range(1, 11)]

        async with writing(write_on(write, DEADLINE + 1) for write in writes):
            await kill_again_and_again(faults_of(harness), _CYCLES, 0.1)

        assert acknowledged, "no write was acknowledged at all"
        found = set(await answers(items.ids, "a read afterwards", 5.0))
        lost = acknowledged - found
        assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged rows are lost"
        half = [number for number in found if number % 2 == 0 and -number not in found]
        assert not half, f"of {len(half)} transactions a half is there"
