"""The connections that one user has at a time: who waits, who is refused, what is given back, what is opened."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import (
    ConnectionError,
    InfrastructureError,
    TimeoutError,
    TransactionError,
    deadline,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import alter, pool_of

Make = Callable[..., PostgresStorage]


@pytest.fixture
def make(postgres_database: PostgresEndpoint) -> Make:
    """Return what makes an unconnected storage."""
    alter(postgres_database, "CREATE TABLE t (id int PRIMARY KEY)")

    def made(size: int = 2, **options: object) -> PostgresStorage:
        given = {"max_connections": size, "pipelining": False, "deadline": 5}
        return PostgresStorage(postgres_database.url, **{**given, **options})

    return made


async def held(storage: PostgresStorage, held: asyncio.Event, go: asyncio.Event) -> None:
    """Hold a connection by a transaction."""
    async with storage.transaction():
        held.set()
        await go.wait()


class TestWaiting:
    async def test_first_come_first_served(self, make: Make) -> None:
        """Whoever waits gets the connection that is given back, in turn."""
        served: list[int] = []

        async def work(number: int) -> None:
            await storage.execute("SELECT pg_sleep(0.001)")
            served.append(number)

        async with make(1) as storage:
            await asyncio.gather(*map(work, range(20)))
            assert served == list(range(20))
            assert len(pool_of(storage)._idle) == 1

    async def test_a_time_out_lists_who_has_them(self, make: Make) -> None:
        """Transactions by their tasks, the rest by what they do."""
        async with make(3) as storage:
            one, go = asyncio.Event(), asyncio.Event()
            holder = asyncio.create_task(held(storage, one, go), name="the holder")
            await one.wait()
            rows = storage.stream("SELECT n FROM generate_series(1, 9) n", None, 2)
            await anext(rows)
            busy = asyncio.create_task(storage.execute("SELECT pg_sleep(1)"))
            await until(lambda: pool_of(storage).is_full)

            with pytest.raises(TimeoutError) as caught, deadline(0.05):
                await storage.execute("SELECT 1")

            told = str(caught.value)
            assert "all 3 connections were in use" in told
            assert "the holder, for 0." in told
            assert "and 1 x stream, 1 x execute" in told
            assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
            go.set()
            await rows.aclose()
            await asyncio.gather(holder, busy)

    @pytest.mark.parametrize(
        ("options", "kept"), [({}, 2), ({"group_commit": True}, 3), ({"pipelining": False}, 0)]
    )
    async def test_a_time_out_says_where_the_rest_is(
        self, make: Make, options: dict[str, bool], kept: int
    ) -> None:
        """The shared connections count in ``max_connections``, and can be had."""
        async with make(5, **{"pipelining": True, **options}) as storage:
            pool = pool_of(storage)
            leased = [await pool.lease(time.monotonic() + 5, None, "test") for _ in range(5 - kept)]

            with pytest.raises(TimeoutError) as caught, deadline(0.05):
                await storage.execute("SELECT 1")

            told = str(caught.value)
            assert f"all {5 - kept} connections were in use" in told
            assert "raise max_connections=" in told
            assert (f"keeps {kept} of 5 for short statements" in told) == bool(kept)
            assert ("unless pipelining=False" in told) == bool(kept)

            for connection in leased:
                pool.release(connection)

    async def test_who_gives_up_loses_nothing(self, make: Make) -> None:
        """A connection that came together with the cancellation goes to the next."""
        async with make(1) as storage:
            one, go = asyncio.Event(), asyncio.Event()
            holder = asyncio.create_task(held(storage, one, go))
            await one.wait()
            waiting = [asyncio.create_task(storage.execute("SELECT 1")) for _ in range(3)]
            await until(lambda: len(pool_of(storage)._queue) == 3)
            waiting[1].cancel()
            go.set()
            await until(lambda: not pool_of(storage)._queue or waiting[0].done())
            waiting[0].cancel()
            found = await asyncio.gather(*waiting, holder, return_exceptions=True)
            assert isinstance(found[1], asyncio.CancelledError)
            assert found[2] == [{"?column?": 1}]
            assert await storage.execute("SELECT 2 AS two") == [{"two": 2}]
            await until(lambda: len(pool_of(storage)._idle) == 1)
            assert not pool_of(storage)._leased

    async def test_cancelled_as_it_is_granted(self, make: Make) -> None:
        """Whatever came first, the connection is there for the next one."""
        async with make(1) as storage:
            pool = pool_of(storage)

            for _ in range(20):
                connection = await pool.lease(time.monotonic() + 1, None, "test")
                waiting = asyncio.create_task(pool.lease(time.monotonic() + 1, None, "test"))
                await asyncio.sleep(0)
                pool.release(connection)
                waiting.cancel()
                await asyncio.wait({waiting})
                assert not pool._leased
                assert len(pool._idle) == 1


class TestDeadlock:
    async def test_of_one(self, make: Make) -> None:
        """A task that holds the last one and asks for another is refused at once."""
        async with make(1) as storage, storage.transaction():
            watch = Stopwatch()

            async with storage.detached():
                with pytest.raises(TransactionError, match="which would never come"):
                    await storage.execute("SELECT 1")

            assert watch.taken < 1
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]

    async def test_of_one_that_holds_several(self, make: Make) -> None:
        """A transaction inside a detached scope of another one."""
        s = make(2)

        async with s, s.transaction(), s.detached(), s.transaction(), s.detached():
            watch = Stopwatch()

            with pytest.raises(TransactionError, match="which would never come"):
                await s.execute("SELECT 1")

            assert watch.taken < 1

    async def test_of_two_that_hold_each_others_last(self, make: Make) -> None:
        """One of them is refused, and the other goes on when that one ends."""
        async with make(2) as storage:
            both = asyncio.Barrier(2)

            async def ask() -> object:
                async with storage.transaction():
                    await both.wait()

                    async with storage.detached():
                        return await storage.execute("SELECT 1 AS one")

            watch = Stopwatch()
            found = await asyncio.gather(ask(), ask(), return_exceptions=True)
            assert watch.taken < 1
            assert sorted(type(each).__name__ for each in found) == ["TransactionError", "list"]

    async def test_what_has_ended_is_nobodys(self, make: Make) -> None:
        """A connection that went on to somebody else is waited for."""
        async with make(2) as storage:
            await storage.begin_transaction()

            async with storage.detached():
                await storage.begin_transaction()
                await storage.commit()
                one, go = asyncio.Event(), asyncio.Event()
                other = asyncio.create_task(held(storage, one, go))
                asyncio.get_running_loop().call_later(0.05, go.set)
                await asyncio.sleep(0)
                assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
                await other

            await storage.rollback()


class TestOpening:
    async def test_only_what_is_needed(self, make: Make) -> None:
        """One after another needs one; many at a time at most as many as are allowed."""
        async with make(4) as storage:
            for _ in range(10):
                await storage.execute("SELECT 1")

            pool = pool_of(storage)
            assert len(pool._idle) == 1
            await asyncio.gather(*(storage.execute("SELECT pg_sleep(0.01)") for _ in range(30)))
            # One that was begun for them may come when all is done.
            await until(lambda: not pool._dials)
            assert len(pool._idle) == 4

    async def test_a_server_that_refuses(self, make: Make, proxy: ChaosProxy) -> None:
        """Who waits is told at once, each by an error of his own; and when it is back, it is back."""
        async with _behind(proxy, make) as storage:
            proxy.refuse()
            proxy.cut()
            await until(lambda: not pool_of(storage)._idle)
            calls = [storage.execute("SELECT 1") for _ in range(5)]
            watch = Stopwatch()
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert watch.taken < 1
            assert [type(each) for each in found] == [ConnectionError] * 5
            assert len(set(map(id, found))) == 5
            assert all(getattr(each, "outcome", None) == "not_applied" for each in found)
            assert all(getattr(each, "__cause__", None) is not None for each in found)
            proxy.heal()
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]

    async def test_attempts_that_hang(self, make: Make, proxy: ChaosProxy) -> None:
        """Are followed by others one at a time, however many wait; the first that works serves all."""
        async with _behind(proxy, make, 8) as storage:
            proxy.black_hole()
            pool = pool_of(storage)
            [connection] = pool._idle
            connection.close("by the test")
            calls = [asyncio.create_task(storage.execute("SELECT 1")) for _ in range(30)]
            await until(lambda: len(pool._dials) >= 10)
            assert len(pool._dials) <= 12
            watch = Stopwatch()
            proxy.heal()
            await asyncio.gather(*calls)
            assert watch.taken < 1
            await until(lambda: not pool._dials)
            assert len(pool._idle) + len(pool._leased) <= 8

    async def test_one_that_began_too_early_is_followed(
        self, make: Make, proxy: ChaosProxy, postgres_database: PostgresEndpoint
    ) -> None:
        """A call that waits for an attempt without an answer gets one that comes through."""
        async with _behind(proxy, make) as storage:
            [connection] = pool_of(storage)._idle
            connection.close("by the test")

            with socket.create_server((proxy.host, 0)) as silent:
                proxy.redirect(silent.getsockname())
                call = asyncio.create_task(storage.execute("SELECT 1 AS one"))
                silent.setblocking(False)
                accepted, _ = await asyncio.get_running_loop().sock_accept(silent)
                proxy.redirect((postgres_database.host, postgres_database.port))
                watch = Stopwatch()
                assert await call == [{"one": 1}]
                assert watch.taken < 1
                accepted.close()

    async def test_a_deadline_meanwhile(self, make: Make, proxy: ChaosProxy) -> None:
        """The text says what was waited for."""
        async with _behind(proxy, make) as storage:
            proxy.black_hole()
            [connection] = pool_of(storage)._idle
            connection.close("by the test")

            with pytest.raises(TimeoutError, match="while a connection to the"), deadline(0.05):
                await storage.execute("SELECT 1")

    async def test_a_full_server(self, make: Make, postgres_database: PostgresEndpoint) -> None:
        """Who waits gets what is given back; alone he is told."""
        with postgres_database.role() as role, postgres_database.control() as control:
            control.execute(f'ALTER ROLE "{role.user}" CONNECTION LIMIT 1'.encode())

            async with PostgresStorage(role.url, pipelining=False, deadline=2) as storage:
                calls = [storage.execute("SELECT 1 AS one") for _ in range(20)]
                assert await asyncio.gather(*calls) == [[{"one": 1}]] * 20

                async with PostgresStorage(postgres_database.url) as other:
                    with pytest.raises(ConnectionError) as caught:
                        await PostgresStorage(role.url).connect()

                    assert caught.value.sqlstate == "53300"
                    assert await other.is_connected()


class TestGivingBack:
    async def test_a_cancelled_statement(self, make: Make) -> None:
        """Its connection is used again when the server has ended it."""
        async with make(1) as storage:
            [before] = pool_of(storage)._idle
            slow = asyncio.create_task(storage.execute("SELECT pg_sleep(60)"))
            await until(lambda: pool_of(storage)._leased)
            slow.cancel()
            await asyncio.wait({slow})
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]
            assert pool_of(storage)._idle == [before]

    async def test_one_that_cannot_be_ended(self, make: Make, proxy: ChaosProxy) -> None:
        """Its connection is closed, and another one serves the next."""
        async with _behind(proxy, make, 1) as storage:
            [before] = pool_of(storage)._idle
            slow = asyncio.create_task(storage.execute("SELECT pg_sleep(60)"))
            await until(lambda: pool_of(storage)._leased)
            proxy.black_hole()
            slow.cancel()
            await asyncio.wait({slow})
            await until(lambda: not before.is_open)
            proxy.heal()
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]

    async def test_what_a_session_was_told(self, make: Make) -> None:
        """A connection that a statement changed is closed, and another one opened."""
        async with make(1) as storage:
            async with storage.transaction():
                await storage.execute("SET work_mem = '1MB'")
                await storage.execute("CREATE TEMP TABLE mine (a int)")

            [row] = await storage.execute(
                "SELECT to_regclass('mine') AS r, current_setting('work_mem') AS w"
            )
            assert row["r"] is None
            assert row["w"] != "1MB"

    async def test_a_statement_of_another_task_in_it(self, make: Make) -> None:
        """A transaction that was given up ends what still runs there."""
        async with make(1) as storage:
            running = asyncio.Event()

            async def join() -> None:
                running.set()
                await storage.execute("SELECT pg_sleep(60)")

            async def hold() -> None:
                async with storage.transaction():
                    task = asyncio.create_task(join())
                    tasks.append(task)
                    await asyncio.Event().wait()

            tasks: list[asyncio.Task[None]] = []
            holder = asyncio.create_task(hold())
            await running.wait()
            await asyncio.sleep(0.05)
            holder.cancel()
            found = await asyncio.gather(holder, *tasks, return_exceptions=True)
            assert isinstance(found[1], InfrastructureError)
            assert await storage.execute("SELECT 1 AS one") == [{"one": 1}]

    async def test_twice(self, make: Make) -> None:
        """Has no effect."""
        async with make(1) as storage:
            pool = pool_of(storage)
            connection = await pool.lease(time.monotonic() + 1, None, "test")
            pool.release(connection)
            pool.release(connection)
            pool.discard(connection)
            assert pool._idle == [connection]

    async def test_to_a_pool_that_is_closed(self, make: Make) -> None:
        """It gives nothing more and opens nothing."""
        storage = make(2)
        await storage.connect()
        pool = pool_of(storage)
        await storage.disconnect()

        with pytest.raises(ConnectionError, match="was closed by disconnect"):
            await pool.lease(time.monotonic() + 1, None, "test")

        assert not pool._dials


def _behind(proxy: ChaosProxy, make: Make, size: int = 2) -> PostgresStorage:
    plain = make(size)
    url = f"postgresql://postgres@{proxy.host}:{proxy.port}/{plain._options.address.database}"
    return PostgresStorage(url, max_connections=size, pipelining=False, deadline=10)
