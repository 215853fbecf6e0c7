"""F7: the connection ends within an answer: of a stream, of many rows, of a transaction."""

from __future__ import annotations

from functools import partial

import pytest

from infrastructure import ConnectionError, InfrastructureError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from .._outcomes import ended
from .._timing import SOAK
from ._storages import Make, make_table

pytestmark = [pytest.mark.slow, pytest.mark.soak]

DEADLINE = 2.0
STEP = 1 if SOAK else 17
NUMBERS = "SELECT n FROM generate_series(1, 30) n"


async def _stream(storage: PostgresStorage) -> list[int]:
    return [row["n"] async for row in storage.stream(NUMBERS, None, 10)]


async def _large(storage: PostgresStorage) -> list[int]:
    rows = await storage.execute("SELECT n, repeat('x', 40) AS x FROM generate_series(1, 30) n")
    assert all(row["x"] == "x" * 40 for row in rows)
    return [row["n"] for row in rows]


async def _returning(storage: PostgresStorage) -> list[int]:
    async with storage.transaction():
        await storage.execute("UPDATE t SET name = 'x'")
        rows = await storage.execute("UPDATE t SET name = 'one' RETURNING id")

    return [row["id"] for row in rows]


async def _many(storage: PostgresStorage) -> list[int]:
    rows = [["one", 1]] * 3
    await storage.execute_many("UPDATE t SET name = $1 WHERE id = $2", rows)
    return []


CALLS = {"stream": _stream, "rows": _large, "transaction": _returning, "execute_many": _many}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_F7_it_is_whole_or_an_error(make: Make, proxy: ChaosProxy, call: object) -> None:
    """Nobody gets a part, at whatever byte it was cut, and the next call works."""
    async with make(proxy, deadline=DEADLINE) as storage:
        await make_table(storage)

        for _ in range(3):
            wanted = await call(storage)

        before = proxy.bytes_to_client
        assert await call(storage) == wanted
        length = proxy.bytes_to_client - before
        assert length

        for after in range(0, length, STEP):
            proxy.truncate(after, "to_client", ending="reset" if after % 2 else "cut")
            found = await ended(partial(call, storage), DEADLINE + 1)
            proxy.heal()

            if isinstance(found, InfrastructureError):
                assert isinstance(found, ConnectionError), (after, found)
            else:
                assert found == wanted, after

            assert await call(storage) == wanted
            assert await storage.execute("SELECT name FROM t") == [{"name": "one"}]
