"""Transactions on SQLite: what ends them behind their owner's back, and what is told then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from contextvars import Context
from pathlib import Path

import pytest

from infrastructure import (
    IntegrityError,
    TimeoutError,
    TransactionError,
    ValidationError,
    deadline,
)
from infrastructure.storage.sqlite import SQLiteStorage
from infrastructure.testing.cancellation import cancel_at

from ...servers.waiting import until

ENDLESS = (
    "INSERT INTO t (n) WITH RECURSIVE c(x) AS (SELECT 1000 UNION ALL SELECT x + 1 FROM c) "
    "SELECT max(x) FROM c"
)


@pytest.fixture
async def storage() -> AsyncIterator[SQLiteStorage]:
    """A temporary storage with a table of one unique number."""
    async with SQLiteStorage() as made:
        await made.create_table("t", {"n": "BIGINT PRIMARY KEY"})
        yield made


async def numbers(storage: SQLiteStorage) -> list[int]:
    """Return what is committed."""
    return [row["n"] for row in await storage.execute("SELECT n FROM t ORDER BY n")]


async def test_a_block_does_not_outlive_a_disconnect(tmp_path: Path) -> None:
    """After disconnect and connect a statement in the old block is refused, never outside it."""
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")
    await storage.connect()
    await storage.create_table("t", {"n": int})

    with pytest.raises(TransactionError):
        async with storage.transaction():
            await storage.execute("INSERT INTO t (n) VALUES (1)")
            await storage.disconnect()
            await storage.connect()

            with pytest.raises(TransactionError, match="disconnected"):
                await storage.execute("INSERT INTO t (n) VALUES (2)")

    assert await numbers(storage) == []
    await storage.disconnect()


async def test_a_granted_write_stays_out_of_the_next_transaction(storage: SQLiteStorage) -> None:
    """A write that waited runs between two transactions, not inside the second."""
    await storage.begin_transaction()
    await storage.execute("INSERT INTO t (n) VALUES (1)")
    other = asyncio.get_running_loop().create_task(
        storage.execute("INSERT INTO t (n) VALUES (100)"), context=Context()
    )
    await asyncio.sleep(0)
    await storage.commit()
    await storage.begin_transaction()
    await storage.execute("INSERT INTO t (n) VALUES (2)")
    await storage.rollback()

    assert await other == []
    assert await numbers(storage) == [1, 100]


async def test_a_write_interrupted_in_a_savepoint_fails_all_of_the_transaction(
    storage: SQLiteStorage,
) -> None:
    """SQLite takes the whole transaction with it: nothing that follows slips outside."""
    with pytest.raises(TransactionError):
        async with storage.transaction():
            await storage.execute("INSERT INTO t (n) VALUES (1)")

            with pytest.raises(TimeoutError):
                async with storage.transaction():
                    # Long enough for it to have begun.
                    with deadline(0.5):
                        await storage.execute(ENDLESS)

            with pytest.raises(TransactionError):
                await storage.execute("INSERT INTO t (n) VALUES (2)")

    assert await numbers(storage) == []


async def test_or_rollback_ends_the_transaction_whatever_the_error(storage: SQLiteStorage) -> None:
    """A type check that failed with OR ROLLBACK fails the transaction, unlike a plain one."""
    await storage.begin_transaction()
    await storage.execute("INSERT INTO t (n) VALUES (1)")

    with pytest.raises(ValidationError):
        await storage.execute("INSERT INTO t (n) VALUES ('text')")

    await storage.execute("INSERT INTO t (n) VALUES (2)")

    with pytest.raises(ValidationError):
        await storage.execute("INSERT OR ROLLBACK INTO t (n) VALUES ('text')")

    with pytest.raises(TransactionError):
        await storage.execute("INSERT INTO t (n) VALUES (3)")

    await storage.rollback()
    assert await numbers(storage) == []


async def test_commit_looks_again_after_its_turn_came(storage: SQLiteStorage) -> None:
    """A joined task's statement that failed meanwhile makes the commit a rollback."""
    await storage.begin_transaction()
    await storage.execute("INSERT INTO t (n) VALUES (1)")
    joined = asyncio.create_task(storage.execute("INSERT INTO t (n) VALUES (1)"))
    await asyncio.sleep(0)

    with pytest.raises(TransactionError, match="it was rolled back"):
        await storage.commit()

    with pytest.raises(IntegrityError):
        await joined

    assert await numbers(storage) == []


async def test_a_cancelled_transaction_with_an_open_stream_frees_the_file(
    storage: SQLiteStorage,
) -> None:
    """Its cursors are closed before its connection: no lock stays with a half-closed one."""
    await storage.execute_many("INSERT INTO t (n) VALUES ($1)", [[n] for n in range(100)])
    kept = []
    begun = asyncio.Event()

    async def body() -> None:
        async with storage.transaction():
            await storage.execute("INSERT INTO t (n) VALUES (-1)")
            await storage.execute("PRAGMA cache_size = 77")
            kept.append(storage.stream("SELECT n FROM t", batch_size=10))
            await anext(kept[0])
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    with deadline(1):
        await storage.execute("INSERT INTO t (n) VALUES (-2)")

    assert (await numbers(storage))[:2] == [-2, 0]
    await kept[0].aclose()


async def test_a_kept_traceback_keeps_no_file_open(tmp_path: Path) -> None:
    """Cursors of streams are closed with their thread, whoever still refers to them."""
    path = tmp_path / "a.db"
    errors = []

    async def fails(storage: SQLiteStorage) -> None:
        try:
            async with aclosing(storage.stream("SELECT n FROM t", batch_size=10)) as rows:
                async for _ in rows:
                    await asyncio.Event().wait()
        except asyncio.CancelledError as exc:
            errors.append(exc)
            raise

    async with SQLiteStorage(f"sqlite:///{path}") as storage:
        await storage.create_table("t", {"n": int})
        await storage.execute_many("INSERT INTO t (n) VALUES ($1)", [[n] for n in range(100)])

        for n in range(2):
            assert not (await cancel_at(lambda: fails(storage), n)).swallowed

    assert len(errors) == 2
    # Where a connection lives on, SQLite does not remove the log with the last one.
    assert [each.name for each in tmp_path.iterdir()] == ["a.db"]


async def test_a_task_that_goes_on_at_once_leaves_turns_to_others(storage: SQLiteStorage) -> None:
    """Who waits gets the next turn, also where a task has its next statement ready before that."""
    done = 0

    async def one_after_the_other() -> None:
        nonlocal done

        for n in range(2000):
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [n])
            done += 1

    async with storage.transaction():
        first = asyncio.create_task(one_after_the_other())

        await until(lambda: done > 0)
        before = done
        await storage.execute("INSERT INTO t (n) VALUES (-1)")
        assert done - before <= 2
        await first
