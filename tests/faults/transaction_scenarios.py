"""Transactions to cancel in any storage: nothing of one stays unless its commit was sent."""

from __future__ import annotations

import asyncio

from infrastructure import OperationError, TransactionError
from infrastructure.interfaces import StorageInterface

from ._sweep import Scenarios, Steps
from ._tables import add, ids, make_table
from ._watch import until

__all__ = ["SCENARIOS"]

SCENARIOS = Scenarios()


@SCENARIOS.of("begin_transaction", "commit", least=6)
async def begin_and_commit(storage: StorageInterface) -> Steps:
    """The whole, savepoint included, or nothing; before commit, nothing."""
    await make_table(storage)
    committing = False

    async def operation() -> None:
        nonlocal committing
        await storage.begin_transaction()
        await add(storage, 1)
        await storage.begin_transaction()
        await add(storage, 2)
        await storage.commit()
        committing = True
        await storage.commit()

    outcome = yield operation
    found = await ids(storage)
    assert found == [1, 2] or (outcome.reached and found == [])
    assert committing or not found


@SCENARIOS.of("begin_transaction", "rollback", "commit", least=6)
async def begin_and_roll_back(storage: StorageInterface) -> Steps:
    """What was rolled back is never there, wherever the rollback was cancelled."""
    await make_table(storage)

    async def operation() -> None:
        await storage.begin_transaction()
        await add(storage, 1)
        await storage.begin_transaction()
        await add(storage, 2)
        await storage.rollback()
        await storage.rollback()
        await storage.begin_transaction()
        await add(storage, 3)
        await storage.commit()

    outcome = yield operation
    assert await ids(storage) in ([3], [] if outcome.reached else [3])


@SCENARIOS.of("transaction", least=7)
async def a_block_with_a_savepoint(storage: StorageInterface) -> Steps:
    """The whole or nothing."""
    await make_table(storage)

    async def operation() -> None:
        async with storage.transaction():
            await add(storage, 1)

            async with storage.transaction():
                await add(storage, 2)

            assert await ids(storage) == [1, 2]

    outcome = yield operation
    found = await ids(storage)
    assert found == [1, 2] or (outcome.reached and found == [])


@SCENARIOS.of("transaction", least=4)
async def a_block_that_fails(storage: StorageInterface) -> Steps:
    """Nothing of it stays, and the connection is free, though the rollback was cancelled."""
    await make_table(storage)

    async def operation() -> None:
        try:
            async with storage.transaction():
                await add(storage, 1)
                raise LookupError
        except LookupError:
            await add(storage, 2)

    outcome = yield operation
    assert await ids(storage) in ([2], [] if outcome.reached else [2])


@SCENARIOS.of("transaction", "execute_many", least=7)
async def many_rows_inside_a_transaction(storage: StorageInterface) -> Steps:
    """They are a part of it: the whole or nothing."""
    await make_table(storage)

    async def operation() -> None:
        async with storage.transaction():
            await add(storage, 1)
            rows = [[number, ""] for number in range(2, 3000)]
            await storage.execute_many("INSERT INTO t (id, name) VALUES ($1, $2)", rows)

    outcome = yield operation
    assert len(await ids(storage)) in ((0, 2999) if outcome.reached else (2999,))


@SCENARIOS.of("transaction", "create_table", "create_hypertable", least=8)
async def tables_inside_a_transaction(storage: StorageInterface) -> Steps:
    """They are a part of it: both or none."""

    async def operation() -> None:
        async with storage.transaction():
            await make_table(storage)
            await storage.create_table("h", {"at": "TIMESTAMPTZ", "n": "BIGINT"})
            await storage.create_hypertable("h", "at")
            await add(storage, 1)

    outcome = yield operation
    there = [await _is_there(storage, name) for name in ("t", "h")]

    if there == [False, True]:
        # A commit that was given up may be done between the two reads.
        there[0] = await _is_there(storage, "t")

    assert there in ([True] * 2, [not outcome.reached] * 2)


async def _is_there(storage: StorageInterface, table: str) -> bool:
    try:
        await storage.execute(f"SELECT count(*) AS n FROM {table}")
    except OperationError:
        return False

    return True


@SCENARIOS.of("transaction", "detached", least=4)
async def a_detached_read_inside_a_transaction(storage: StorageInterface) -> Steps:
    """The transaction around it is whole or not there."""
    await make_table(storage)

    async def operation() -> None:
        async with storage.transaction():
            await add(storage, 1)

            async with storage.detached():
                assert await ids(storage) == []
                await asyncio.sleep(0)

            await add(storage, 2)

    outcome = yield operation
    assert await ids(storage) in ([1, 2], [] if outcome.reached else [1, 2])


@SCENARIOS.of("execute", least=1)
async def a_statement_of_a_task_that_joined(storage: StorageInterface) -> Steps:
    """Cancelled, it fails the transaction: nothing of it is committed."""
    await make_table(storage)
    failed = False

    try:
        async with storage.transaction():
            await add(storage, 1)
            outcome = yield lambda: storage.execute("INSERT INTO t (id) VALUES (2)")
            await add(storage, 3)
    except TransactionError:
        failed = True

    assert failed is outcome.reached
    assert await ids(storage) == ([] if failed else [1, 2, 3])


@SCENARIOS.of("transaction", least=3)
async def a_savepoint_of_a_task_that_joined(storage: StorageInterface) -> Steps:
    """The transaction goes on without it, or is failed as a whole."""
    await make_table(storage)
    failed = False

    async def operation() -> None:
        async with storage.transaction():
            await add(storage, 2)

    try:
        async with storage.transaction():
            await add(storage, 1)
            outcome = yield operation
            await add(storage, 3)
    except TransactionError:
        failed = True

    found = await ids(storage)
    assert found == [] if failed else found in ([1, 2, 3], [1, 3][: 2 if outcome.reached else 0])


@SCENARIOS.of("execute", least=1)
async def a_statement_that_waits_for_its_turn(storage: StorageInterface) -> Steps:
    """Nothing of it was sent: the transaction is not failed, and the turn is the next one's."""
    await make_table(storage)
    go, inside = asyncio.Event(), asyncio.Event()

    async def savepoint() -> None:
        async with storage.transaction():
            await add(storage, 2)
            inside.set()
            await go.wait()

    async def operation() -> None:
        asyncio.get_running_loop().call_soon(go.set)
        await storage.execute("INSERT INTO t (id) VALUES (3)")

    failed = False

    try:
        async with storage.transaction():
            await add(storage, 1)
            other = asyncio.ensure_future(savepoint())
            await inside.wait()
            behind = asyncio.ensure_future(_behind(storage))
            outcome = yield operation
            go.set()
            await asyncio.gather(other, behind, return_exceptions=True)
    except TransactionError:
        failed = True

    # The first suspension is the wait, at the next one it was sent.
    assert failed is (outcome.reached and outcome.n > 0)
    assert await ids(storage) == ([] if failed else [1, 2, 4] if outcome.reached else [1, 2, 3, 4])


async def _behind(storage: StorageInterface) -> None:
    await asyncio.sleep(0)
    await add(storage, 4)


@SCENARIOS.of("commit", least=5)
async def a_commit_with_the_statement_of_another_task(storage: StorageInterface) -> Steps:
    """It waits for its turn; the whole or nothing is there."""
    await make_table(storage)

    async def operation() -> None:
        await storage.begin_transaction()
        await add(storage, 1)
        other = asyncio.ensure_future(add(storage, 2))
        await asyncio.sleep(0)
        others.append(other)
        await storage.commit()

    others: list[asyncio.Future[None]] = []
    outcome = yield operation
    await until(lambda: all(each.done() for each in others), lambda: others)
    found = await ids(storage)
    # Of a task that joined, the statement may have come too late: then it has an error.
    errors = [each.exception() for each in others]
    assert found in ([1, 2], [1] if any(errors) else [1, 2], [] if outcome.reached else [1, 2])
