"""F25: ``disconnect`` at any moment: before, twice, under load, while it connects."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from infrastructure import (
    ConnectionError,
    InfrastructureError,
    OperationError,
    TransactionError,
)
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .._outcomes import ended
from .._timing import SLACK, draw_seed, share, unhurried, within
from .._watch import nothing_left, until
from ._storages import CALLS, Make, Note, make_table

ENDED = (ConnectionError, TransactionError)
"""What a call is told that meets ``disconnect``; the latter in a transaction that it ended."""


@unhurried
async def test_F25_before_connect_and_twice(make: Make) -> None:
    """It has nothing to do, and does no harm."""
    storage = make()

    async with nothing_left():
        await storage.disconnect()
        await storage.connect()
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]
        await asyncio.gather(*(storage.disconnect() for _ in range(3)))
        await storage.disconnect()

        with pytest.raises(ConnectionError):
            await storage.execute("SELECT 1 AS n")


@pytest.mark.slow
async def test_F25_under_load_everything_ends(make: Make, database: PostgresEndpoint) -> None:
    """Each call gets its answer or an error of ours; ``connect`` works again, time after time."""
    # Long enough for fifty tasks on ten connections, on a busy machine too.
    storage = make(deadline=5)
    answered = 0

    async def ask(number: int) -> None:
        nonlocal answered
        call = list(CALLS.values())[number % len(CALLS)]

        while not isinstance(end := await ended(partial(call, storage), 5), ENDED):
            # Two that make the same table, or update the same rows, may meet.
            assert not isinstance(end, InfrastructureError) or isinstance(end, OperationError), end
            answered += 1

    async with nothing_left():
        for _ in range(3):
            await storage.connect()
            await make_table(storage)
            tasks = [asyncio.ensure_future(ask(number)) for number in range(50)]
            before = answered
            await until(lambda: answered >= before + 50, lambda: answered)  # noqa: B023

            with within(1 + SLACK):
                await storage.disconnect()
                await asyncio.gather(*tasks)

            with database.counters() as counters:
                await until(lambda: not counters.read().open, counters.sessions)


async def test_F25_what_was_sent_before_is_finished(make: Make) -> None:
    """The server answers: nothing that is under way is broken off."""
    insert = "INSERT INTO t (id) VALUES ($1)"

    async with make(deadline=5) as storage:
        await make_table(storage)

        for number in range(-5, 0):
            await storage.execute(insert, [number])

        writes = [asyncio.ensure_future(storage.execute(insert, [n])) for n in range(100, 108)]
        await asyncio.sleep(0)

    await asyncio.gather(*writes)

    async with storage:
        assert await storage.execute("SELECT count(*) AS n FROM t WHERE id >= 100") == [{"n": 8}]


async def test_F25_while_it_connects(make: Make, proxy: ChaosProxy) -> None:
    """``connect`` is told so at once; nothing is left of it."""
    proxy.black_hole()
    storage = make(proxy, deadline=5)

    async with nothing_left():
        connecting = asyncio.ensure_future(storage.connect())
        await until(lambda: proxy.open, lambda: proxy)

        with within(SLACK):
            await storage.disconnect()

            with pytest.raises(ConnectionError):
                await connecting

        proxy.heal()

    async with storage:
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]


@pytest.mark.slow
@pytest.mark.soak
async def test_F25_in_any_order(
    make: Make, database: PostgresEndpoint, record_property: Note
) -> None:
    """Many connects, disconnects and calls at once leave a storage that works, and then nothing."""
    seed = draw_seed()
    rng = random.Random(seed)
    storage = make(deadline=5)
    choices = [storage.connect, storage.disconnect]
    choices += [partial(call, storage) for call in CALLS.values()]

    async def some() -> None:
        for _ in range(10):
            end = await ended(rng.choice(choices), 5)
            fine = not isinstance(end, Exception) or isinstance(end, (*ENDED, OperationError))
            assert fine, (seed, end)

            if rng.random() < 0.5:
                await asyncio.sleep(0)

    async with nothing_left():
        await asyncio.gather(*(some() for _ in range(share(500))))
        await storage.connect()
        assert await storage.execute("SELECT 1 AS n") == [{"n": 1}]
        await storage.disconnect()

    with database.counters() as counters:
        await until(lambda: not counters.read().open, counters.sessions)

    record_property("calls, connects and disconnects", 10 * share(500))
    record_property("seed of their order", seed)
