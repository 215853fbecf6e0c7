"""F12: a transaction is cancelled anywhere: what it had locked is free at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing.cancellation import PHASES, Phase, cancel_at
from infrastructure.testing.postgres import PostgresCounters

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import SLACK, within
from .._watch import until
from ._sessions import value
from ._storages import Make, make_table

pytestmark = pytest.mark.slow

AT_ONCE = 1.0
"""Seconds that a connection of a given-up transaction has to roll back, before it is closed."""

LOCK = "SELECT name FROM t WHERE id = 1 FOR UPDATE NOWAIT"


async def free(control: psycopg.Connection[Any]) -> str:
    """Return the row's name as soon as nobody has it locked, which is soon."""
    with within(AT_ONCE + SLACK):
        while True:
            try:
                name: str = value(control, LOCK)
            except psycopg.errors.LockNotAvailable:
                await asyncio.sleep(0.001)
            else:
                return name


async def block(storage: PostgresStorage) -> None:
    """Lock the row twice over, by a block."""
    async with storage.transaction():
        await storage.execute("UPDATE t SET name = $1 WHERE id = 1", ["outer"])

        async with storage.transaction():
            await storage.execute("UPDATE t SET name = $1 WHERE id = 1", ["inner"])


async def flat(storage: PostgresStorage) -> None:
    """The same, by begin and commit, ended by nobody: its task ends."""
    await storage.begin_transaction()
    await storage.execute("UPDATE t SET name = $1 WHERE id = 1", ["outer"])
    await storage.begin_transaction()
    await storage.execute("UPDATE t SET name = $1 WHERE id = 1", ["inner"])
    await storage.commit()
    await storage.commit()


async def rows(storage: PostgresStorage) -> None:
    """Lock it by many rows, in a transaction of their own."""
    row = [["inner", 1]] * 30
    await storage.execute_many("UPDATE t SET name = $1 WHERE id = $2", row)


@pytest.mark.parametrize("operation", [block, flat, rows], ids=lambda each: each.__name__)
@pytest.mark.parametrize("phase", PHASES)
async def test_F12_at_every_await(
    make: Make,
    database: PostgresEndpoint,
    phase: Phase,
    operation: Callable[[PostgresStorage], Awaitable[None]],
) -> None:
    """The whole or nothing of it is there, nobody waits for it, and the next one works."""
    with database.control() as control:
        async with make(deadline=5) as storage:
            await make_table(storage)

            for repeated in (False, True):
                for n in range(100):
                    await storage.execute("UPDATE t SET name = 'old' WHERE id = 1")
                    outcome = await cancel_at(
                        lambda: operation(storage), n, phase, repeated=repeated
                    )
                    assert outcome.error is None, outcome
                    assert not outcome.swallowed, outcome
                    name = await free(control)
                    assert name in ("inner", "old" if outcome.reached else "inner"), outcome

                    if not outcome.reached:
                        break
                else:
                    pytest.fail("it still suspends")


@pytest.mark.parametrize("statement", ["SELECT pg_sleep(60)", "UPDATE t SET id = 5 WHERE id = 2"])
async def test_F12_while_a_statement_goes_on(
    make: Make, database: PostgresEndpoint, statement: str
) -> None:
    """One that would run for a minute, or waits for another's lock, is ended too."""
    with (
        database.counters() as counters,
        database.control() as control,
        database.control() as other,
    ):
        async with make(deadline=5) as storage:
            await make_table(storage)
            await storage.execute("INSERT INTO t VALUES (2, 'locked')")

            async def transact() -> None:
                async with storage.transaction():
                    await storage.execute("UPDATE t SET name = 'new' WHERE id = 1")
                    await storage.execute(statement)

            with other.transaction():
                other.execute("UPDATE t SET name = 'locked' WHERE id = 2")
                task = asyncio.ensure_future(transact())

                await until(lambda: counters.read().states["active"], counters.sessions)

                task.cancel()
                await asyncio.wait({task})
                assert await free(control) == "one"


def _waiting(counters: PostgresCounters) -> int:
    """Return how many wait for somebody's lock."""
    return sum(session["wait_event_type"] == "Lock" for session in counters.sessions())


async def test_F12_many_at_once(make: Make, database: PostgresEndpoint) -> None:
    """Fifty that wait for one row, on ten connections: cancelled together, they leave nothing."""
    with database.counters() as counters, database.control() as control:
        async with make(deadline=5) as storage:
            await make_table(storage)
            tasks = [asyncio.ensure_future(block(storage)) for _ in range(50)]

            await until(lambda: _waiting(counters) >= 2, counters.sessions)

            for task in tasks:
                task.cancel()

            await asyncio.wait(tasks)
            assert await free(control) in ("one", "inner")
            await block(storage)
            assert await free(control) == "inner"
