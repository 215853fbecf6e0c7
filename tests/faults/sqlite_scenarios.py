"""Statements to cancel in a ``SQLiteStorage``, and what must hold after each."""

from __future__ import annotations

import asyncio
import time

from infrastructure import InfrastructureError
from infrastructure.storage.sqlite import SQLiteStorage

from ._sweep import Scenarios, Steps
from ._tables import add, holding, ids, make_table
from ._watch import until
from .statement_scenarios import INSERT, ROWS

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()

COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "SELECT count(*) AS n FROM n"
)
"""More steps than a read on the loop may take."""

LONG_INSERT = (
    "INSERT INTO t (id) WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n "
    "WHERE i < 50999) SELECT i FROM n"
)


@SCENARIOS.of("execute", least=1)
async def a_long_read(storage: SQLiteStorage) -> Steps:
    """Its thread answers the next one."""

    async def operation() -> None:
        assert await storage.execute(COUNT) == [{"n": 20000}]

    yield operation
    await operation()


@SCENARIOS.of("execute", least=1)
async def a_write_among_others(storage: SQLiteStorage) -> Steps:
    """Those that share its commit are there; it is there or not."""
    await make_table(storage)
    others = [asyncio.ensure_future(add(storage, number)) for number in range(2, 9)]
    outcome = yield lambda: storage.execute(INSERT, [1, "one"])
    await asyncio.gather(*others)
    assert await ids(storage) in ([*range(1, 9)], [*range(2, 9)][: 7 if outcome.reached else 0])


@SCENARIOS.of("execute", least=1)
async def a_write_that_waits_for_the_writer(storage: SQLiteStorage) -> Steps:
    """Whoever holds it commits all the same; the next in the queue gets it."""
    await make_table(storage)

    async with holding(storage) as holder:

        async def operation() -> None:
            holder.let_go_soon()
            await add(storage, 1)

        after = asyncio.ensure_future(_later(storage))
        outcome = yield operation
        holder.let_go_soon()
        await after

    assert await ids(storage) in ([1, 2, 100], [2, 100][: 2 if outcome.reached else 0])


@SCENARIOS.of("execute", least=1)
async def a_long_write_that_waits_for_the_writer(storage: SQLiteStorage) -> Steps:
    """Cancelled as it begins, it is interrupted, and nobody misses its error."""
    await make_table(storage)

    async with holding(storage) as holder:

        async def operation() -> None:
            holder.let_go_soon()
            await storage.execute(LONG_INSERT)

        busy = asyncio.ensure_future(_busy_loop())
        outcome = yield operation
        busy.cancel()

    assert len(await ids(storage)) in ((1, 50_001) if outcome.reached else (50_001,))


async def _busy_loop() -> None:
    """Give the thread time to begin what it is granted, before the cancellation comes."""
    while True:
        time.sleep(0.001)  # noqa: ASYNC251 - it is the loop that is held
        await asyncio.sleep(0)


async def _later(storage: SQLiteStorage) -> None:
    await asyncio.sleep(0.001)
    await add(storage, 2)


@SCENARIOS.of("begin_transaction", least=2)
async def a_begin_that_waits_for_the_writer(storage: SQLiteStorage) -> Steps:
    """The writer goes on to the next, whether it was granted already or not."""
    await make_table(storage)

    async with holding(storage) as holder:

        async def operation() -> None:
            holder.let_go_soon()
            await storage.begin_transaction()
            await storage.rollback()

        yield operation

    assert await ids(storage) == [100]


@SCENARIOS.of("execute_many", least=6)
async def many_rows_that_wait_for_the_writer(storage: SQLiteStorage) -> Steps:
    """All or none of them, behind the transaction that was there."""
    await make_table(storage)

    async with holding(storage) as holder:

        async def operation() -> None:
            holder.let_go_soon()
            await storage.execute_many(INSERT, [[each + 10_000, name] for each, name in ROWS])

        outcome = yield operation

    assert len(await ids(storage)) in ((1, 2401) if outcome.reached else (2401,))


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_under_load(storage: SQLiteStorage) -> Steps:
    """What was acknowledged before it ended is there; an open transaction is not."""
    await make_table(storage)
    held = asyncio.Event()

    async def transact() -> None:
        async with storage.transaction():
            await add(storage, 100)
            held.set()
            await asyncio.Event().wait()

    transacting = asyncio.ensure_future(transact())
    await held.wait()
    long = asyncio.ensure_future(storage.execute(COUNT))
    write = asyncio.ensure_future(add(storage, 1))
    await asyncio.sleep(0)
    yield lambda: storage.disconnect()  # noqa: PLW0108 - it is looked up when it is called
    await asyncio.wait({long, write})
    transacting.cancel()
    await asyncio.gather(long, transacting, return_exceptions=True)
    await until(lambda: repr(storage).endswith("closed>"), lambda: storage)
    await storage.connect()
    assert await ids(storage) in _possible(write.exception())


def _possible(error: BaseException | None) -> list[list[int]]:
    """Return what may be there of the write of row 1, which ended so."""
    if error is None:
        return [[1]]

    assert isinstance(error, InfrastructureError)
    return [[], [1]] if error.outcome == "unknown" else [[]]
