"""Statements with unique values, to be cancelled at random moments."""

from __future__ import annotations

import random
from contextlib import aclosing

from infrastructure.storage.postgres import PostgresStorage

from .._cancels import Cancels

__all__ = ["ROWS", "StorageCancels"]

ROWS = 100
NAME = "SELECT name FROM t WHERE id = $1"
UPDATE = "UPDATE t SET name = $2 WHERE id = $1"


class StorageCancels(Cancels):
    """Row ``n`` of ``t`` is named ``n/…``, whatever is written; ``pairs`` holds rows by twos."""

    def __init__(self, storage: PostgresStorage, rng: random.Random) -> None:
        super().__init__(rng, longest=0.03)
        self._storage = storage
        self.operations = [
            self._echo, self._echo, self._read, self._read, self._update, self._update, self._loop,
            self._slow, self._pair, self._pair, self._nested, self._many, self._stream,
        ]  # fmt: skip

    async def prepare(self) -> None:
        """Make the tables."""
        execute = self._storage.execute
        await execute("CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT)")
        await execute("INSERT INTO t SELECT n, n || '/0' FROM generate_series(0, 99) n")
        await execute("CREATE TABLE pairs (id BIGINT, side TEXT)")

    def _check(self, own: bool) -> None:
        self.counts["foreign"] += not own

    async def _echo(self, number: int) -> None:
        [row] = await self._storage.execute("SELECT $1::bigint AS n", [number])
        self._check(row["n"] == number)

    async def _read(self, number: int) -> None:
        [row] = await self._storage.execute(NAME, [number % ROWS])
        self._check(row["name"].startswith(f"{number % ROWS}/"))

    async def _update(self, number: int) -> None:
        row = number % ROWS
        assert await self._storage.execute(UPDATE, [row, f"{row}/{number}"]) == []

    async def _loop(self, number: int) -> None:
        while True:
            await self._echo(number)

    async def _slow(self, number: int) -> None:
        [row] = await self._storage.execute("SELECT $1::bigint AS n FROM pg_sleep(0.002)", [number])
        self._check(row["n"] == number)

    async def _pair(self, number: int) -> None:
        async with self._storage.transaction():
            await self._storage.execute("INSERT INTO pairs VALUES ($1, 'left')", [number])
            await self._echo(number)
            await self._storage.execute("INSERT INTO pairs VALUES ($1, 'right')", [number])

    async def _nested(self, number: int) -> None:
        storage = self._storage
        await storage.begin_transaction()

        try:
            await storage.execute("INSERT INTO pairs VALUES ($1, 'left')", [number])
            await self._undone(number)
            await storage.execute("INSERT INTO pairs VALUES ($1, 'right')", [number])
        except BaseException:
            await storage.rollback()
            raise

        await storage.commit()

    async def _undone(self, number: int) -> None:
        await self._storage.begin_transaction()

        try:
            await self._storage.execute("INSERT INTO pairs VALUES ($1, 'never')", [number])
        finally:
            await self._storage.rollback()

    async def _many(self, number: int) -> None:
        rows = [[number, side] for side in ("left", "right")]
        await self._storage.execute_many("INSERT INTO pairs VALUES ($1, $2)", rows)

    async def _stream(self, number: int) -> None:
        query = "SELECT $1::bigint + n AS n FROM generate_series(0, 29) n"

        async with aclosing(self._storage.stream(query, [number], batch_size=10)) as rows:
            found = [row["n"] async for row in rows]

        self._check(found == list(range(number, number + 30)))

    async def torn(self) -> int:
        """Return of how many pairs one half is there, or what was rolled back."""
        [row] = await self._storage.execute(
            "SELECT count(*) AS n FROM (SELECT FROM pairs GROUP BY id HAVING count(*) <> 2 "
            "OR bool_or(side = 'never') OR min(side) = max(side)) torn"
        )
        n: int = row["n"]
        return n
