"""F32: hundreds of thousands of statements, one in a hundred with a fault: nothing grows."""

from __future__ import annotations

import asyncio
import gc
import random
from pathlib import Path

import pytest

from infrastructure import InfrastructureError
from infrastructure.conformance._breaking import descriptors
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import draw_seed, share
from .._watch import until
from ._storages import Make, Note, make_table

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(600)]

ROUNDS = 10
GROWTH = 24 * 2**20
"""Bytes that the heap may be larger for reasons of its own."""


def resident() -> int:
    """Return how much memory this process has."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


class Work:
    """Statements of all kinds, and faults among them."""

    def __init__(self, storage: PostgresStorage, proxy: ChaosProxy, rng: random.Random) -> None:
        self.failed = 0
        self._storage = storage
        self._proxy = proxy
        self._rng = rng
        self._number = 0

    async def run(self, count: int, tasks: int = 40) -> None:
        """Do so many."""
        await asyncio.gather(*(self._some(count // tasks) for _ in range(tasks)))

    async def _some(self, count: int) -> None:
        for _ in range(count):
            self._number += 1

            if self._rng.random() < 0.0005:
                self._rng.choice((self._proxy.reset, self._proxy.cut))()

            if self._rng.random() < 0.01:
                await self._given_up()
            else:
                await self._one(self._number)

    async def _given_up(self) -> None:
        task = asyncio.ensure_future(self._one(self._number))
        await asyncio.sleep(self._rng.uniform(0, 0.003))
        task.cancel()
        await asyncio.wait({task})

    async def _one(self, number: int) -> None:
        execute = self._storage.execute

        try:
            match number % 20:
                case 0:
                    async with self._storage.transaction():
                        await execute("UPDATE t SET name = $1 WHERE id = 1", [f"{number}"])
                case 1:
                    # Each is a text of its own: none may be kept for ever.
                    await execute(f"SELECT {number} AS n")
                case 2:
                    await execute("SELECT 1 / 0 AS n")
                case 3:
                    async for _ in self._storage.stream("SELECT generate_series(1, 30) AS n"):
                        pass
                case _:
                    [row] = await execute("SELECT $1::bigint AS n", [number])
                    assert row["n"] == number
        except InfrastructureError:
            self.failed += 1


async def test_F32_nothing_grows(
    make: Make, proxy: ChaosProxy, database: PostgresEndpoint, record_property: Note
) -> None:
    """Memory, descriptors, tasks and sessions are at its end what they were after its first fifth."""
    seed, count = draw_seed(), share(200_000)

    async with make(proxy, deadline=10) as storage:
        await make_table(storage)
        work = Work(storage, proxy, random.Random(seed))
        await work.run(2 * count // ROUNDS)
        before, files, tasks = resident(), descriptors(), len(asyncio.all_tasks())
        kept: list[int] = []

        for _ in range(ROUNDS - 2):
            await work.run(count // ROUNDS)
            kept.append(resident() - before)

        assert kept[-1] < GROWTH, (seed, kept)
        # Connections, at each end of the proxy, may be some more.
        await until(lambda: descriptors() <= files + 40, descriptors)
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 3, asyncio.all_tasks)

        with database.counters() as counters:
            await until(lambda: counters.read().open <= 10, counters.sessions)

    record_property("soak: statements", count)
    record_property("soak: failed", work.failed)
    record_property("soak: bytes grown after a fifth", kept[-1])
    record_property("soak: seed", seed)
