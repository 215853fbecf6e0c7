"""F24: a fork, another event loop, another thread: refused at once, and the parent's connections stay right."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure import ConfigurationError
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_endpoint import PostgresEndpoint
from ._storages import Make

FORKING = Path(__file__).with_name("forking.py")


async def works(storage: PostgresStorage) -> None:
    """Expect a hundred right answers."""
    for number in range(100):
        found = await storage.execute("SELECT $1::bigint AS n", [number])
        assert found == [{"n": number}]


@pytest.mark.slow
@pytest.mark.parametrize("option", ["", "?pipelining=false", "?group_commit=true"])
def test_F24_a_forked_child(database: PostgresEndpoint, option: str) -> None:
    """It is refused until it connects by itself; then both work, and neither warns of anything."""
    command = [sys.executable, "-X", "dev", "-W", "error", str(FORKING), database.url + option]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "child: right\nparent: right\n"


async def test_F24_another_loop_in_another_thread(make: Make) -> None:
    """Every method is refused there; here the connections go on."""
    async with make(deadline=5) as storage:
        await works(storage)

        async def use() -> None:
            for call in (
                storage.execute("SELECT 1 AS n"),
                storage.execute_many("SELECT $1", [[1]]),
                storage.begin_transaction(),
                storage.create_table("t", {"id": int}),
                storage.connect(),
                storage.disconnect(),
            ):
                with pytest.raises(ConfigurationError, match="event loop"):
                    await call

            assert not await storage.is_connected()

        await asyncio.to_thread(asyncio.run, use())
        await works(storage)


async def test_F24_two_loops_with_a_storage_each(make: Make) -> None:
    """At the same time: each has its own connections."""

    async def use() -> None:
        async with make(deadline=5) as other:
            await works(other)

    async with make(deadline=5) as storage:
        there = asyncio.create_task(asyncio.to_thread(asyncio.run, use()))
        await works(storage)
        await there


def test_F24_a_loop_after_a_closed_loop(make: Make) -> None:
    """A storage whose loop was closed under it connects afresh in the next one."""
    storage = make(deadline=5)

    async def use(*, again: bool) -> None:
        if again:
            with pytest.raises(ConfigurationError, match="connect"):
                await storage.execute("SELECT 1 AS n")

        await storage.connect()
        await works(storage)

        if again:
            await storage.disconnect()

    asyncio.run(use(again=False))
    asyncio.run(use(again=True))
