"""A table for scenarios to write into, and somebody who holds the writer meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infrastructure import deadline
from infrastructure.interfaces import StorageInterface

__all__ = ["Holder", "add", "holding", "ids", "make_table"]


async def make_table(storage: StorageInterface) -> None:
    """Make the table of all scenarios."""
    await storage.create_table("t", {"id": "BIGINT PRIMARY KEY", "name": "TEXT"})


async def add(storage: StorageInterface, *numbers: int) -> None:
    """Insert rows, one statement each."""
    for number in numbers:
        await storage.execute("INSERT INTO t (id, name) VALUES ($1, $2)", [number, f"row {number}"])


async def ids(storage: StorageInterface) -> list[int]:
    """Return which rows are there."""
    return [row["id"] for row in await storage.execute("SELECT id FROM t ORDER BY id")]


class Holder:
    """Has the one writer, in a transaction of its own with row 100, until it is let go."""

    def __init__(self) -> None:
        self._go = asyncio.Event()

    def let_go_soon(self) -> None:
        """Commit, but not before the caller has come to wait."""
        asyncio.get_running_loop().call_later(0.002, self._go.set)

    async def hold(self, storage: StorageInterface, held: asyncio.Event) -> None:
        """Take the writer, tell so, and wait."""
        async with storage.transaction():
            await add(storage, 100)
            held.set()
            await self._go.wait()


@asynccontextmanager
async def holding(storage: StorageInterface) -> AsyncIterator[Holder]:
    """Have another task hold the writer; after the block it has committed."""
    holder, held = Holder(), asyncio.Event()
    task = asyncio.ensure_future(holder.hold(storage, held))
    await held.wait()

    try:
        yield holder
    finally:
        holder.let_go_soon()

        with deadline(2):
            await task
