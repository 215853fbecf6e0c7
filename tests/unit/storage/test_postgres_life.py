"""From connect to disconnect and again; in other loops, in forked processes; and whether a server answers."""

from __future__ import annotations

import asyncio
import gc
import os
import weakref
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConfigurationError,
    ConnectionError,
    InfrastructureError,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...faults._timing import SLACK, within
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from ...servers.waiting import until
from .postgres_shared import alter, lane_for, pool_of


def sockets() -> int:
    """How many sockets this process has open."""
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return sum(link.is_symlink() and str(link.readlink()).startswith("socket:") for link in links)


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]


class TestConnect:
    async def test_again_and_again(self, postgres_database: PostgresEndpoint) -> None:
        """Nothing is left behind, whatever was in use."""
        before = sockets(), tasks()
        storage = PostgresStorage(postgres_database.url, group_commit=True)

        for _ in range(3):
            async with storage:
                await lane_for(storage, "SELECT 1 AS one")

                async with storage.listen("jobs"):
                    await asyncio.gather(*(storage.execute("SELECT pg_sleep(0)") for _ in "12345"))

            await asyncio.sleep(0)
            # What others had open may be collected meanwhile.
            assert sockets() <= before[0]
            assert tasks() == before[1]

    async def test_while_a_disconnect_is_under_way(
        self, postgres_database: PostgresEndpoint
    ) -> None:
        """It waits for it, and connects then."""
        storage = PostgresStorage(postgres_database.url)
        await storage.connect()
        running = asyncio.ensure_future(storage.execute("SELECT pg_sleep(0.1)"))
        await asyncio.sleep(0.02)
        await asyncio.gather(storage.disconnect(), storage.connect())
        await running
        assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
        await storage.disconnect()

    async def test_disconnect_while_it_dials(
        self, postgres_database: PostgresEndpoint, proxy: ChaosProxy
    ) -> None:
        """Whoever waits for a connection is told; the attempt leaves nothing behind."""
        url = postgres_database.moved(proxy.host, proxy.port)
        before = tasks()

        async with PostgresStorage(url, pipelining=False) as storage:
            proxy.black_hole()
            [connection] = pool_of(storage)._idle
            connection.close("by the test")
            waiting = asyncio.ensure_future(storage.execute("SELECT 1"))
            await until(lambda: pool_of(storage)._dials)
            await storage.disconnect()

            with pytest.raises(ConnectionError, match="was closed by disconnect"):
                await waiting

        await asyncio.sleep(0)
        assert tasks() == before

    async def test_disconnect_with_a_lane_that_is_opened(
        self, postgres_database: PostgresEndpoint
    ) -> None:
        """It is not opened then."""
        before = sockets()

        async with PostgresStorage(postgres_database.url) as storage:
            await storage.execute("SELECT 1 AS one")
            storage._engine._lanes.pick()  # type: ignore[union-attr]
            await asyncio.sleep(0)

        await asyncio.sleep(0)
        assert sockets() <= before

    async def test_disconnect_with_a_transaction_open(
        self, postgres_database: PostgresEndpoint
    ) -> None:
        """It is rolled back, and its owner is told."""
        alter(postgres_database, "CREATE TABLE t (id int)")
        storage = PostgresStorage(postgres_database.url)
        await storage.connect()
        await storage.begin_transaction()
        await storage.execute("INSERT INTO t VALUES (1)")
        await storage.disconnect()

        with pytest.raises(InfrastructureError):
            await storage.commit()

        await storage.connect()
        await storage.rollback()
        assert await storage.execute("SELECT id FROM t") == []
        await storage.disconnect()

    async def test_disconnect_under_a_statement_that_does_not_end(
        self, postgres_database: PostgresEndpoint
    ) -> None:
        """It gets a second, and is failed then."""
        storage = PostgresStorage(postgres_database.url)
        await storage.connect()
        running = asyncio.ensure_future(storage.execute("SELECT pg_sleep(60)"))
        await until(lambda: pool_of(storage)._leased)

        with within(1.5):
            await storage.disconnect()

        with pytest.raises(ConnectionError) as caught:
            await running

        assert caught.value.outcome == "unknown"


class TestOwner:
    def test_a_closed_loop(self, postgres_database: PostgresEndpoint) -> None:
        """The next one starts afresh; nobody touches what the old one had."""
        storage = PostgresStorage(postgres_database.url, group_commit=True)

        async def use() -> Any:
            await storage.connect()
            await lane_for(storage, "SELECT 1 AS one")
            await storage.begin_transaction()
            return storage._engine.pool

        async def refused() -> None:
            with pytest.raises(ConfigurationError):
                await storage.execute("SELECT 1")

        old = asyncio.run(use())
        asyncio.run(refused())
        new = asyncio.run(use())
        assert new is not old
        assert not old.is_closed

        async def end() -> None:
            await storage.connect()
            await storage.disconnect()

        asyncio.run(end())

    def test_a_forked_child(self, postgres_database: PostgresEndpoint) -> None:
        """It opens its own connections; the parent's go on in its transaction."""
        storage = PostgresStorage(postgres_database.url)

        worked: list[None] = []

        async def in_child() -> None:
            await storage.connect()
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
            await storage.disconnect()

        async def parent() -> None:
            async with storage, storage.transaction():
                [before] = await storage.execute("SELECT pg_current_xact_id()::text AS x")
                child = os.fork()

                if not child:
                    # A thread of its own has no running loop.
                    thread = Thread(target=lambda: worked.append(asyncio.run(in_child())))
                    thread.start()
                    thread.join()
                    os._exit(0 if worked == [None] else 1)

                _, status = await asyncio.to_thread(os.waitpid, child, 0)
                assert os.waitstatus_to_exitcode(status) == 0
                [after] = await storage.execute("SELECT pg_current_xact_id()::text AS x")
                assert after == before

        asyncio.run(parent())


class TestIsConnected:
    async def test_what_it_says(
        self, postgres_database: PostgresEndpoint, proxy: ChaosProxy
    ) -> None:
        """Whether a statement would get there now, within a second."""
        storage = PostgresStorage(postgres_database.moved(proxy.host, proxy.port), deadline=2)
        assert not await storage.is_connected()

        async with storage:
            assert await storage.is_connected()
            proxy.cut()
            assert await storage.is_connected()
            proxy.black_hole()

            with within(1 + SLACK):
                assert not await storage.is_connected()

            proxy.heal()
            assert await storage.is_connected()
            proxy.refuse()
            proxy.cut()
            assert not await storage.is_connected()
            proxy.heal()
            assert await storage.is_connected()

        assert not await storage.is_connected()

    async def test_inside_a_transaction(self, postgres_database: PostgresEndpoint) -> None:
        """Also in one that has failed; it changes nothing about it."""
        async with PostgresStorage(postgres_database.url) as storage:
            await storage.begin_transaction()
            assert await storage.is_connected()

            with pytest.raises(InfrastructureError):
                await storage.execute("SELECT none")

            assert await storage.is_connected()
            await storage.rollback()

    async def test_while_all_connections_are_in_use(
        self, postgres_database: PostgresEndpoint
    ) -> None:
        """By one more, which is gone afterwards."""
        async with PostgresStorage(
            postgres_database.url, max_connections=1, pipelining=False
        ) as storage:
            with postgres_database.control() as control:
                control.execute("SELECT pg_advisory_lock(1)")
                running = asyncio.ensure_future(storage.execute("SELECT pg_advisory_xact_lock(1)"))
                await until(lambda: pool_of(storage).is_full)
                assert await storage.is_connected()
                assert not running.done()

            await running

    async def test_after_a_restart(self, private_postgres: PostgresServer) -> None:
        """The first call after it works, on whichever connection."""
        async with PostgresStorage(private_postgres.url, deadline=5) as storage:
            await lane_for(storage, "SELECT 1 AS one")

            for _ in range(2):
                await private_postgres.restart()
                assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
                assert await storage.is_connected()


async def test_results_are_not_kept(postgres_database: PostgresEndpoint) -> None:
    """Neither by a connection that rests, nor by a shared one, nor by what is known of a statement."""
    async with PostgresStorage(postgres_database.url) as storage:
        large = "SELECT repeat('x', 1000000) AS v"
        await storage.execute(large)
        [connection] = pool_of(storage)._idle
        assert connection._results == []
        lane = await lane_for(storage, "SELECT 1 AS one")
        assert not lane._entries
        answer = weakref.ref(lane)
        await storage.disconnect()
        del lane, connection
        gc.collect()
        assert answer() is None
