"""F5: the server is killed and started again, under writers."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import InfrastructureError
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.storage.postgres import PostgresStorage

from ...servers.postgres_server import PostgresServer
from .._outcomes import ended
from .._timing import HEALED, SOAK, within
from .._watch import ARRIVAL, until
from ._storages import Note

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(300)]

CYCLES = 20 if SOAK else 1
DEADLINE = 1.0
ROLLBACK = 1.0
INSERT = "INSERT INTO w (id, part) VALUES ($1, $2)"


class Writers:
    """Fifty tasks that write until they are stopped, and note what was acknowledged.

    A third of them writes rows, a third two rows in a transaction, a third two by execute_many.
    """

    def __init__(self, storage: PostgresStorage) -> None:
        self._storage = storage
        self._stopped = False
        self.acknowledged: set[int] = set()
        self.refused: set[int] = set()
        self.failed = 0
        self.tasks = [asyncio.ensure_future(self._write(writer)) for writer in range(50)]

    async def _write(self, writer: int) -> None:
        call = (self._row, self._pair, self._many)[writer % 3]
        number = writer * 1_000_000

        while not self._stopped:
            number += 1
            end = await ended(partial(call, number), DEADLINE + ROLLBACK)

            if not isinstance(end, InfrastructureError):
                self.acknowledged.add(number)
                continue

            self.failed += 1

            if end.outcome == "not_applied":
                self.refused.add(number)

            await asyncio.sleep(0.005)

    async def _row(self, number: int) -> None:
        await self._storage.execute(INSERT, [number, 2])

    async def _pair(self, number: int) -> None:
        async with self._storage.transaction():
            await self._storage.execute(INSERT, [number, 1])
            await self._storage.execute(INSERT, [number, 2])

    async def _many(self, number: int) -> None:
        await self._storage.execute_many(INSERT, [[number, 1], [number, 2]])

    async def more(self, count: int) -> None:
        """Return when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        # Its time is no promise: each is on the disk.
        await until(
            lambda: len(self.acknowledged) >= wanted, lambda: len(self.acknowledged), ARRIVAL
        )

    async def stop(self) -> None:
        """End all of them; none hangs, none died."""
        self._stopped = True

        with within(DEADLINE + ROLLBACK + HEALED):
            await asyncio.gather(*self.tasks)


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "pooled"])
async def test_F5_no_acknowledged_row_is_missing(
    private_postgres: PostgresServer, record_property: Note, pipelining: bool
) -> None:
    """Kill after kill: what was acknowledged is there, no half, nothing that was denied; it goes on in 1 s."""
    server, slowest = private_postgres, 0.0

    async with PostgresStorage(server.url, deadline=DEADLINE, pipelining=pipelining) as storage:
        await storage.execute("CREATE TABLE w (id BIGINT, part INT, PRIMARY KEY (id, part))")
        writers = Writers(storage)

        for _ in range(CYCLES):
            await writers.more(300)
            server.kill()
            await server.start()
            watch = Stopwatch()
            await writers.more(1)
            slowest = max(slowest, watch.taken)
            assert slowest <= HEALED

        await writers.more(100)
        await writers.stop()
        await _check(storage, writers)

    record_property("kills", CYCLES)
    record_property("acknowledged writes", len(writers.acknowledged))
    record_property("failed writes", writers.failed)
    record_property("first write after the port opened, slowest (s)", round(slowest, 3))


async def _check(storage: PostgresStorage, writers: Writers) -> None:
    rows = await storage.execute("SELECT id, count(*) AS n, max(part) AS part FROM w GROUP BY id")
    found = {row["id"]: row["n"] for row in rows}
    assert writers.acknowledged <= found.keys()
    assert not writers.refused & found.keys()
    half = {id_ for id_, n in found.items() if n != (1 if id_ // 1_000_000 % 3 == 0 else 2)}
    assert not half


@pytest.mark.parametrize("stop", ["stop", "kill"])
async def test_F5_an_idle_storage_works_at_once_with_the_new_server(
    private_postgres: PostgresServer, stop: str
) -> None:
    """Nobody asked while it was away: the first call finds out, and succeeds."""
    async with PostgresStorage(private_postgres.url, deadline=DEADLINE) as storage:
        await storage.execute("CREATE TABLE t (id BIGINT)")

        if stop == "stop":
            await private_postgres.stop()
        else:
            private_postgres.kill()

        await private_postgres.start()

        with within(HEALED):
            await storage.execute("INSERT INTO t VALUES (1)")

        assert await storage.execute("SELECT id FROM t") == [{"id": 1}]
