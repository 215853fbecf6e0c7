"""Statements to cancel in any storage, and its life; what must hold after each."""

from __future__ import annotations

from contextlib import aclosing

from infrastructure.interfaces import StorageInterface

from ._sweep import Scenarios, Steps
from ._tables import add, ids, make_table
from ._watch import until

__all__ = ["INSERT", "ROWS", "SCENARIOS"]

SCENARIOS = Scenarios()

ROWS = [[number, "many"] for number in range(1, 2401)]
"""More than two steps of ``execute_many``."""

INSERT = "INSERT INTO t (id, name) VALUES ($1, $2)"

NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n"
)


@SCENARIOS.of("execute", "is_connected", least=0)
async def a_short_read(storage: StorageInterface) -> Steps:
    """On SQLite it never suspends."""
    await make_table(storage)

    async def operation() -> None:
        assert await storage.is_connected()
        assert await storage.execute("SELECT id FROM t") == []

    yield operation


@SCENARIOS.of("execute_many", least=5)
async def many_rows(storage: StorageInterface) -> Steps:
    """All or none of them."""
    await make_table(storage)
    outcome = yield lambda: storage.execute_many(INSERT, ROWS)
    assert len(await ids(storage)) in ((0, 2400) if outcome.reached else (2400,))


@SCENARIOS.of("stream", least=5)
async def a_stream(storage: StorageInterface) -> Steps:
    """Its thread and its snapshot end with it."""

    async def operation() -> None:
        async with aclosing(storage.stream(NUMBERS, batch_size=100)) as rows:
            assert [row["i"] async for row in rows] == list(range(1, 501))

    yield operation


@SCENARIOS.of("stream", least=2)
async def a_stream_that_nobody_closes(storage: StorageInterface) -> Steps:
    """The loop does."""

    async def operation() -> None:
        async for row in storage.stream(NUMBERS, batch_size=100):
            if row["i"] == 150:
                break

    yield operation


@SCENARIOS.of("stream", "transaction", least=7)
async def a_stream_inside_a_transaction(storage: StorageInterface) -> Steps:
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
async def a_new_table(storage: StorageInterface) -> Steps:
    """It is there or not; making it again works."""
    yield lambda: storage.create_table("t", {"id": "BIGINT PRIMARY KEY", "name": "TEXT"})
    await make_table(storage)
    assert await ids(storage) == []


@SCENARIOS.of("create_table", "create_hypertable", least=6)
async def a_new_hypertable(storage: StorageInterface) -> Steps:
    """Each step is whole; both again complete it."""

    async def operation() -> None:
        await storage.create_table("h", {"at": "TIMESTAMPTZ", "n": "BIGINT"})
        await storage.create_hypertable("h", "at")

    yield operation
    await operation()
    assert await storage.execute("SELECT n FROM h") == []


@SCENARIOS.of("connect", "disconnect", least=3, connected=False)
async def a_life(storage: StorageInterface) -> Steps:
    """It can begin again; what was acknowledged is there."""

    async def operation() -> None:
        await storage.connect()
        await make_table(storage)
        await storage.disconnect()

    yield operation
    await storage.connect()
    await make_table(storage)


@SCENARIOS.of("connect", least=1, connected=False)
async def a_connect(storage: StorageInterface) -> Steps:
    """All or nothing: cancelled, it is closed again, for nobody would close it."""

    async def operation() -> None:
        await storage.connect()

    outcome = yield operation
    await until(lambda: ("connected" in repr(storage)) is not outcome.reached, lambda: storage)
    await storage.connect()


@SCENARIOS.of("__aenter__", "__aexit__", least=3, connected=False)
async def a_block(storage: StorageInterface) -> Steps:
    """Cancelled anywhere, it is closed."""

    async def operation() -> None:
        async with storage:
            await make_table(storage)

    yield operation
    await until(lambda: repr(storage).endswith("closed>"), lambda: storage)
    await storage.connect()
