"""Statements to cancel in a ``SQLiteStorage``, and what must hold after each."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from infrastructure import InfrastructureError
from infrastructure.storage.sqlite import SQLiteStorage

from ._sweep import Scenarios, Steps
from ._tables import add, holding, ids, make_table
from ._watch import until

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()

ROWS = [[number, "many"] for number in range(1, 2401)]
"""More than two steps of ``execute_many``."""

INSERT = "INSERT INTO t (id, name) VALUES ($1, $2)"

COUNT = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "SELECT count(*) AS n FROM n"
)
"""More steps than a read on the loop may take."""

LONG_INSERT = (
    "INSERT INTO t (id) WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n "
    "WHERE i < 50999) SELECT i FROM n"
)

NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n"
)


@SCENARIOS.of("execute", "is_connected", least=0)
async def a_short_read(storage: SQLiteStorage) -> Steps:
    """It never suspends."""
    await make_table(storage)

    async def operation() -> None:
        assert await storage.is_connected()
        assert await storage.execute("SELECT id FROM t") == []

    yield operation


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


@SCENARIOS.of("execute_many", least=5)
async def many_rows(storage: SQLiteStorage) -> Steps:
    """All or none of them."""
    await make_table(storage)
    outcome = yield lambda: storage.execute_many(INSERT, ROWS)
    assert len(await ids(storage)) in ((0, 2400) if outcome.reached else (2400,))


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


@SCENARIOS.of("stream", least=5)
async def a_stream(storage: SQLiteStorage) -> Steps:
    """Its thread and its snapshot end with it."""

    async def operation() -> None:
        async with aclosing(storage.stream(NUMBERS, batch_size=100)) as rows:
            assert [row["i"] async for row in rows] == list(range(1, 501))

    yield operation


@SCENARIOS.of("stream", least=2)
async def a_stream_that_nobody_closes(storage: SQLiteStorage) -> Steps:
    """The loop does."""

    async def operation() -> None:
        async for row in storage.stream(NUMBERS, batch_size=100):
            if row["i"] == 150:
                break

    yield operation


@SCENARIOS.of("stream", "transaction", least=7)
async def a_stream_inside_a_transaction(storage: SQLiteStorage) -> Steps:
    """Its cursor ends with the transaction, which is whole or not there."""
    await make_table(storage)

    async def operation() -> None:
        async with storage.transaction():
            await add(storage, 1)

            async for row in storage.stream(NUMBERS, batch_size=200):
                if row["i"] in (200, 400):
                    await add(storage, row["i"])

    outcome = yield operation
    assert await ids(storage) in ([1, 200, 400], [] if outcome.reached else None)


@SCENARIOS.of("create_table", least=3)
async def a_new_table(storage: SQLiteStorage) -> Steps:
    """It is there or not; making it again works."""
    yield lambda: storage.create_table("t", {"id": "BIGINT PRIMARY KEY", "name": "TEXT"})
    await make_table(storage)
    assert await ids(storage) == []


@SCENARIOS.of("create_table", "create_hypertable", least=6)
async def a_new_hypertable(storage: SQLiteStorage) -> Steps:
    """Each step is whole; both again complete it."""

    async def operation() -> None:
        await storage.create_table("h", {"at": "TIMESTAMPTZ", "n": "BIGINT"})
        await storage.create_hypertable("h", "at")

    yield operation
    await operation()
    assert await storage.execute("SELECT n FROM h") == []


@SCENARIOS.of("connect", "disconnect", least=3, connected=False)
async def a_life(storage: SQLiteStorage) -> Steps:
    """It can begin again; what was acknowledged is there."""

    async def operation() -> None:
        await storage.connect()
        await make_table(storage)
        await storage.disconnect()

    yield operation
    await storage.connect()
    await make_table(storage)


@SCENARIOS.of("connect", least=1, connected=False)
async def a_connect(storage: SQLiteStorage) -> Steps:
    """All or nothing: cancelled, it is closed again, for nobody would close it."""

    async def operation() -> None:
        await storage.connect()

    outcome = yield operation
    await until(lambda: ("connected" in repr(storage)) is not outcome.reached, lambda: storage)
    await storage.connect()


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


@SCENARIOS.of("__aenter__", "__aexit__", least=3, connected=False)
async def a_block(storage: SQLiteStorage) -> Steps:
    """Cancelled anywhere, it is closed."""

    async def operation() -> None:
        async with storage:
            await make_table(storage)

    yield operation
    await until(lambda: repr(storage).endswith("closed>"), lambda: storage)
    await storage.connect()
