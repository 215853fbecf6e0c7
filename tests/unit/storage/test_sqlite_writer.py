"""The one writer: what shares a commit, what waits, what is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from infrastructure import (
    ConnectionError,
    IntegrityError,
    OperationError,
    TimeoutError,
    TransactionError,
    deadline,
)
from infrastructure.storage.sqlite import SQLiteStorage

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


async def test_concurrent_writes_each_get_their_own_outcome(storage: SQLiteStorage) -> None:
    """A statement that fails in a shared commit fails alone."""
    await storage.execute("INSERT INTO t (n) VALUES ($1)", [5])
    outcomes = await asyncio.gather(
        *(storage.execute("INSERT INTO t (n) VALUES ($1)", [n]) for n in range(10)),
        return_exceptions=True,
    )

    assert [n for n, outcome in enumerate(outcomes) if outcome != []] == [5]
    assert isinstance(outcomes[5], IntegrityError)
    assert await numbers(storage) == list(range(10))


async def test_a_statement_that_ends_the_shared_transaction_undoes_nobody_else(
    storage: SQLiteStorage,
) -> None:
    """OR ROLLBACK takes the whole transaction with it: the others run again, alone."""
    await storage.execute("INSERT INTO t (n) VALUES ($1)", [5])
    outcomes = await asyncio.gather(
        *(storage.execute("INSERT INTO t (n) VALUES ($1)", [n]) for n in range(5)),
        storage.execute("INSERT OR ROLLBACK INTO t (n) VALUES ($1)", [5]),
        *(storage.execute("INSERT INTO t (n) VALUES ($1)", [n]) for n in range(6, 10)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[5], IntegrityError)
    assert [outcome for outcome in outcomes if outcome != []] == [outcomes[5]]
    assert await numbers(storage) == list(range(10))


async def test_a_commit_that_fails_is_told_to_whom_it_belongs(storage: SQLiteStorage) -> None:
    """A deferred foreign key fails at COMMIT: the guilty statement alone learns of it."""
    async with storage.transaction():
        await storage.execute(
            "CREATE TABLE child (n BIGINT REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)"
        )

    outcomes = await asyncio.gather(
        storage.execute("INSERT INTO t (n) VALUES (1)"),
        storage.execute("INSERT INTO child (n) VALUES (99)"),
        storage.execute("INSERT INTO t (n) VALUES (2)"),
        return_exceptions=True,
    )

    assert outcomes[0] == outcomes[2] == []
    assert isinstance(outcomes[1], IntegrityError)
    assert outcomes[1].sqlstate == "23503"
    assert await numbers(storage) == [1, 2]
    assert await storage.execute("SELECT n FROM child") == []


async def test_a_deferred_key_fails_the_commit_of_a_transaction(storage: SQLiteStorage) -> None:
    """COMMIT raises, the transaction is over, and the writer is free."""
    await storage.execute(
        "CREATE TABLE child (n BIGINT REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)"
    )
    await storage.begin_transaction()
    await storage.execute("INSERT INTO child (n) VALUES (99)")

    with pytest.raises(IntegrityError):
        await storage.commit()

    await storage.execute("INSERT INTO t (n) VALUES (1)")
    assert await storage.execute("SELECT n FROM child") == []


async def test_bad_result_columns_change_nothing(storage: SQLiteStorage) -> None:
    """RETURNING with two columns of one name writes no row, alone and in a shared commit."""
    statement = "INSERT INTO t (n) VALUES ($1) RETURNING n, n"
    outcomes = await asyncio.gather(
        *(storage.execute(statement, [n]) for n in range(3)), return_exceptions=True
    )

    assert {type(outcome).__name__ for outcome in outcomes} == {"ValidationError"}
    assert await numbers(storage) == []


async def test_a_statement_over_its_deadline_is_undone(storage: SQLiteStorage) -> None:
    """It is interrupted, says not_applied, and those that shared its commit are applied."""

    async def endless() -> None:
        with deadline(0.2):
            await storage.execute(ENDLESS)

    outcomes = await asyncio.gather(
        endless(),
        storage.execute("INSERT INTO t (n) VALUES (1)"),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], TimeoutError)
    assert outcomes[0].sqlstate == "57014"
    assert outcomes[0].outcome == "not_applied"
    assert outcomes[1] == []
    assert await numbers(storage) == [1]


async def test_a_cancelled_statement_stops(storage: SQLiteStorage) -> None:
    """Its task ends at once, and the writer goes on with the next."""
    task = asyncio.create_task(storage.execute(ENDLESS))
    await asyncio.sleep(0.01)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task

    with deadline(1):
        await storage.execute("INSERT INTO t (n) VALUES (1)")

    assert await numbers(storage) == [1]


async def test_a_wait_for_the_writer_lists_who_holds_it(storage: SQLiteStorage) -> None:
    """A task that waits in vain gets a TimeoutError with the name of the holder."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with storage.transaction():
            entered.set()
            await leave.wait()

    holder = asyncio.create_task(hold(), name="the-holder")
    await entered.wait()

    with deadline(0.1), pytest.raises(TimeoutError, match="held by the-holder, for") as caught:
        await storage.execute("INSERT INTO t (n) VALUES (1)")

    assert caught.value.outcome == "not_applied"
    assert caught.value.retryable

    with deadline(0.1), pytest.raises(TimeoutError, match="the-holder"):
        await storage.begin_transaction()

    leave.set()
    await holder
    assert await numbers(storage) == []


async def test_who_waits_gets_the_writer_in_order(storage: SQLiteStorage) -> None:
    """Transactions and statements that wait go on when the holder ends; a cancelled one does not."""
    entered, leave = asyncio.Event(), asyncio.Event()

    async def transact(number: int) -> None:
        async with storage.transaction():
            entered.set()
            await leave.wait()
            await storage.execute("INSERT INTO t (n) VALUES ($1)", [number])

    tasks = [asyncio.create_task(transact(1))]
    await entered.wait()
    tasks += [asyncio.create_task(transact(number)) for number in (2, 3)]
    tasks += [
        asyncio.create_task(storage.execute("INSERT INTO t (n) VALUES ($1)", [number]))
        for number in (4, 5)
    ]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await numbers(storage) == [1, 3, 5]


async def test_disconnect_finishes_what_waits_and_rolls_back_what_is_open(tmp_path: Path) -> None:
    """An open transaction is rolled back; a write that waited for it is done, a begin fails."""
    storage = SQLiteStorage(f"sqlite:///{tmp_path / 'a.db'}")
    await storage.connect()
    await storage.create_table("t", {"n": int})
    entered = asyncio.Event()

    async def hold() -> None:
        async with storage.transaction():
            await storage.execute("INSERT INTO t (n) VALUES (1)")
            entered.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await entered.wait()
    write = asyncio.create_task(storage.execute("INSERT INTO t (n) VALUES (2)"))
    begin = asyncio.create_task(storage.transaction().__aenter__())
    await asyncio.sleep(0)
    await storage.disconnect()

    assert await write == []

    with pytest.raises(ConnectionError) as caught:
        await begin

    assert caught.value.outcome == "not_applied"
    holder.cancel()
    await asyncio.gather(holder, return_exceptions=True)

    async with storage:
        assert await numbers(storage) == [2]


async def test_a_stream_left_open_holds_no_snapshot(storage: SQLiteStorage) -> None:
    """The end of the transaction closes its cursors, whoever still has the stream."""
    await storage.execute_many("INSERT INTO t (n) VALUES ($1)", [[n] for n in range(100)])

    async with storage.transaction():
        rows = storage.stream("SELECT n FROM t", batch_size=10)
        await anext(rows)

    assert await storage.execute("VACUUM") == []

    with pytest.raises(TransactionError):
        async for _ in rows:
            pass


async def test_a_cancelled_stream_leaves_its_cursor_to_the_thread(storage: SQLiteStorage) -> None:
    """Cancelling a stream in mid-fetch, inside a transaction or not, harms nobody."""
    slow = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"

    async def read() -> None:
        async for _ in storage.stream(slow, batch_size=10_000_000):
            pass

    async def read_inside() -> None:
        async with storage.transaction():
            await read()

    for reading in (read, read_inside):
        for _ in range(5):
            task = asyncio.create_task(reading())
            await asyncio.sleep(0.005)
            task.cancel()

            with pytest.raises(asyncio.CancelledError):
                await task

    await storage.execute("INSERT INTO t (n) VALUES (1)")
    assert await numbers(storage) == [1]


async def test_slow_reads_share_a_few_threads(storage: SQLiteStorage) -> None:
    """A burst of them opens no thread each."""
    before = threading.active_count()
    await asyncio.gather(*(storage.execute("SELECT sum(n) AS s FROM t") for _ in range(50)))
    assert threading.active_count() - before <= 4


async def test_disconnect_interrupts_what_does_not_end() -> None:
    """A statement that runs for ever is cut off after a second, with ConnectionError."""
    storage = SQLiteStorage()
    await storage.connect()
    await storage.create_table("t", {"n": int})
    task = asyncio.create_task(storage.execute(ENDLESS))
    await asyncio.sleep(0.01)

    async with asyncio.timeout(2):
        await storage.disconnect()

    with pytest.raises(ConnectionError) as caught:
        await task

    assert caught.value.outcome == "unknown"


async def test_session_state_ends_with_its_transaction(storage: SQLiteStorage) -> None:
    """What a transaction changed in its session the next one does not see."""
    async with storage.transaction():
        await storage.execute("CREATE TEMPORARY TABLE scratch (n BIGINT)")
        await storage.execute("PRAGMA cache_size = 77")
        assert await storage.execute("PRAGMA cache_size") == [{"cache_size": 77}]

    await storage.begin_transaction()
    assert await storage.execute("PRAGMA cache_size") != [{"cache_size": 77}]

    with pytest.raises(OperationError, match="no such table"):
        await storage.execute("SELECT n FROM scratch")

    with pytest.raises(TransactionError, match=r"no such table.*roll it back"):
        await storage.execute("SELECT 1 AS one")

    with pytest.raises(TransactionError, match="it was rolled back"):
        await storage.commit()
