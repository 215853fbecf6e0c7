"""What to cancel in a ``PostgresStorage`` beside what every storage is asked, and what must hold after it."""

from __future__ import annotations

import asyncio
from functools import partial

from infrastructure import ConfigurationError, InfrastructureError
from infrastructure.storage.postgres import PostgresStorage

from .._sweep import Scenarios, Steps
from .._tables import add, ids, make_table
from .._watch import until
from ..statement_scenarios import INSERT, ROWS

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()

READ = "SELECT name FROM t WHERE id = $1"
UPDATE = "UPDATE t SET name = $2 WHERE id = $1"
SLOW = "SELECT count(*) AS n FROM pg_sleep(0.005)"


async def _short_ways(storage: PostgresStorage) -> None:
    """Make the table, and let its statements be known as short ones."""
    await make_table(storage)
    await add(storage, *range(1, 9))

    for _ in range(3):
        await asyncio.gather(*(storage.execute(READ, [1]) for _ in range(4)))
        await storage.execute(UPDATE, [1, "row 1"])


@SCENARIOS.of("execute", least=2)
async def short_reads_among_others(storage: PostgresStorage) -> Steps:
    """Each gets its own answer, whoever is cancelled."""
    await _short_ways(storage)
    others = [asyncio.ensure_future(_own(storage, number)) for number in range(1, 9)]

    async def operation() -> None:
        await _own(storage, 3)
        await _own(storage, 4)

    yield operation
    await asyncio.gather(*others)
    await asyncio.gather(*(_own(storage, number) for number in range(1, 9)))


async def _own(storage: PostgresStorage, number: int) -> None:
    assert await storage.execute(READ, [number]) == [{"name": f"row {number}"}]


@SCENARIOS.of("execute", least=1)
async def a_short_write_among_others(storage: PostgresStorage) -> Steps:
    """It is done or not, and those that share its connection are done."""
    await _short_ways(storage)
    others = [
        asyncio.ensure_future(storage.execute(UPDATE, [number, "other"])) for number in range(2, 9)
    ]
    outcome = yield lambda: storage.execute(UPDATE, [1, "written"])
    await asyncio.gather(*others)
    rows = await storage.execute("SELECT name FROM t ORDER BY id")
    first, *rest = [row["name"] for row in rows]
    assert rest == ["other"] * 7
    assert first in ("written", "row 1" if outcome.reached else "written")


@SCENARIOS.of("execute", least=1)
async def a_slow_read(storage: PostgresStorage) -> Steps:
    """The server ends it, and its connection serves the next one."""

    async def operation() -> None:
        assert await storage.execute(SLOW) == [{"n": 1}]

    yield operation
    await operation()


@SCENARIOS.of("execute", least=1)
async def a_write_that_waits_for_a_lock(storage: PostgresStorage) -> Steps:
    """It waits no longer: the row is free when its holder has left it."""
    await make_table(storage)
    await add(storage, 1)
    held, go = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with storage.transaction():
            await storage.execute(UPDATE, [1, "held"])
            held.set()
            await go.wait()

    async def operation() -> None:
        asyncio.get_running_loop().call_later(0.002, go.set)
        await storage.execute(UPDATE, [1, "written"])

    holder = asyncio.ensure_future(hold())
    await held.wait()
    outcome = yield operation
    go.set()
    await holder
    [row] = await storage.execute(READ, [1])
    assert row["name"] in ("written", "held" if outcome.reached else "written")


@SCENARIOS.of("execute", least=1)
async def a_read_that_waits_for_a_connection(storage: PostgresStorage) -> Steps:
    """Its place goes to the next."""
    await make_table(storage)
    go = asyncio.Event()

    async def hold() -> None:
        async with storage.transaction():
            await go.wait()

    async def operation() -> None:
        asyncio.get_running_loop().call_later(0.002, go.set)
        assert await ids(storage) == []

    holders = [asyncio.ensure_future(hold()) for _ in range(storage._engine.pool._size)]
    await until(lambda: len(storage._engine.pool._leased) == len(holders), lambda: storage)
    yield operation
    go.set()
    await asyncio.gather(*holders)
    await operation()


@SCENARIOS.of("execute_many", least=1)
async def a_few_rows(storage: PostgresStorage) -> Steps:
    """All or none of them."""
    await make_table(storage)
    outcome = yield lambda: storage.execute_many(INSERT, ROWS[:3])
    assert await ids(storage) in ([1, 2, 3], [] if outcome.reached else [1, 2, 3])


@SCENARIOS.of("disconnect", least=1)
async def a_disconnect_under_load(storage: PostgresStorage) -> Steps:
    """What was acknowledged before it ended is there; an open transaction is not."""
    await _short_ways(storage)
    held = asyncio.Event()

    async def transact() -> None:
        async with storage.transaction():
            await add(storage, 100)
            held.set()
            await asyncio.Event().wait()

    transacting = asyncio.ensure_future(transact())
    await held.wait()
    calls = [partial(storage.execute, SLOW), partial(storage.execute, UPDATE, [1, "written"])]
    calls += [partial(storage.execute, READ, [2])] * 5
    under_way = [asyncio.ensure_future(call()) for call in calls]
    await asyncio.sleep(0)
    yield lambda: storage.disconnect()  # noqa: PLW0108 - it is looked up when it is called
    await asyncio.wait(under_way)
    transacting.cancel()
    await asyncio.gather(transacting, return_exceptions=True)
    errors = [task.exception() for task in under_way]
    assert all(error is None or isinstance(error, InfrastructureError) for error in errors), errors
    await until(lambda: repr(storage).endswith("closed>"), lambda: storage)
    await storage.connect()
    [row] = await storage.execute(READ, [1])
    assert row["name"] == "written" or errors[1] is not None
    assert 100 not in await ids(storage)


@SCENARIOS.of("listen", "execute", least=2)
async def a_notification(storage: PostgresStorage) -> Steps:
    """Who has left hears nothing more; others on the channel go on, and the connection ends with them."""
    other = storage.listen("news")

    async def operation() -> None:
        async with storage.listen("news") as news:
            await storage.execute("SELECT pg_notify('news', 'own') AS sent")
            assert (await anext(news)).payload == "own"

    async with other:
        yield operation
        await storage.execute("SELECT pg_notify('news', 'last') AS sent")
        heard = [await anext(other)]

        while heard[-1].payload != "last":
            heard.append(await anext(other))

        assert [one.payload for one in heard][-1] == "last"
        assert not any(one.missed for one in heard)


@SCENARIOS.of("listen", least=1)
async def a_first_reader(storage: PostgresStorage) -> Steps:
    """Cancelled while its connection is opened, it leaves none."""

    async def operation() -> None:
        async with storage.listen("news"):
            pass

    yield operation
    await operation()


@SCENARIOS.of(
    "add_retention_policy", "add_compression_policy", "create_continuous_aggregate", "drop_chunks",
    least=8,
)  # fmt: skip
async def what_needs_timescale(storage: PostgresStorage) -> Steps:
    """Without it each is refused, and leaves no transaction."""
    await make_table(storage)
    calls = (
        lambda: storage.add_retention_policy("t", "7 days"),
        lambda: storage.add_compression_policy("t", "7 days"),
        lambda: storage.create_continuous_aggregate("a", "SELECT id, count(*) n FROM t GROUP BY 1"),
        lambda: storage.drop_chunks("t", "7 days"),
    )

    async def operation() -> None:
        for call in calls:
            try:
                await call()
            except ConfigurationError:
                continue

            raise AssertionError("there is no TimescaleDB")

    yield operation
    assert await ids(storage) == []
