"""A COMMIT whose answer is lost: the server is asked for the number of the transaction, where it can be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import (
    ConnectionError,
)
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.pgbouncer import PgBouncer
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import WRITE, alter, connection_of, ids, sleeps


class TestNumbers:
    async def test_who_may_not_ask(self, postgres_database: PostgresEndpoint) -> None:
        """His transactions work all the same, and nothing is known of them."""
        alter(
            postgres_database,
            "CREATE TABLE t (id int)",
            "GRANT ALL ON t TO PUBLIC",
            "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
        )

        with postgres_database.role() as role:
            async with PostgresStorage(role.url) as storage:
                for number in range(3):
                    async with storage.transaction():
                        await storage.execute(WRITE, [number])
                        assert connection_of(storage).number is None

                assert await ids(storage) == [0, 1, 2]

    async def test_is_that_of_the_transaction(self, storage: PostgresStorage) -> None:
        """From its first write on; the next transaction has none yet."""
        for number in range(2):
            async with storage.transaction():
                assert await ids(storage) == list(range(number))
                assert connection_of(storage).number is None
                await storage.execute(WRITE, [number])
                [row] = await storage.execute("SELECT pg_current_xact_id()::text AS x")
                assert connection_of(storage).number.xid == int(row["x"])

    async def test_behind_a_pooler(self, pgbouncer: PgBouncer) -> None:
        """It comes with the server that it counts on."""
        with pgbouncer.database() as database:
            alter(database, "CREATE TABLE t (id int)")

            async with PostgresStorage(database.url) as storage, storage.transaction():
                await storage.execute(WRITE, [1])
                number = connection_of(storage).number
                assert number.server == connection_of(storage)._server


class TestLostCommit:
    async def test_is_settled(self, behind: PostgresStorage, proxy: ChaosProxy) -> None:
        """Done where the server says so; not applied where it says that."""
        await behind.begin_transaction()
        await behind.execute(WRITE, [1])
        proxy.truncate(1, "to_client")
        await behind.commit()
        assert await ids(behind) == [1]

        await behind.begin_transaction()
        await behind.execute(WRITE, [2])
        proxy.truncate(3, "to_server")

        with pytest.raises(ConnectionError, match="the server says that it was rolled back") as c:
            await behind.commit()

        assert c.value.outcome == "not_applied"
        assert await ids(behind) == [1]

    async def test_without_a_number_it_is_unknown(
        self, postgres_database: PostgresEndpoint, behind: PostgresStorage, proxy: ChaosProxy
    ) -> None:
        """Where requests are not pipelined none is asked for."""
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, pipelining=False) as storage:
            await storage.begin_transaction()
            await storage.execute(WRITE, [1])
            proxy.truncate(1, "to_client")

            with pytest.raises(ConnectionError) as caught:
                await storage.commit()

        assert caught.value.outcome == "unknown"
        assert await ids(behind) == [1]

    async def test_on_another_server_it_is_unknown(
        self, behind: PostgresStorage, proxy: ChaosProxy
    ) -> None:
        """The same number counts something else there: another cluster, or another timeline."""
        await behind.begin_transaction()
        await behind.execute(WRITE, [1])
        connection = connection_of(behind)
        server = connection.number.server
        assert server.count("/") == 1
        connection.number = replace(connection.number, server=f"{server[:-1]}F")
        proxy.truncate(1, "to_client")

        with pytest.raises(ConnectionError) as caught:
            await behind.commit()

        assert caught.value.outcome == "unknown"
        assert await ids(behind) == [1]

    async def test_of_which_the_server_knows_nothing(
        self, behind: PostgresStorage, proxy: ChaosProxy
    ) -> None:
        """A number that it has not given yet, as after a restore: unknown, in time."""
        await behind.begin_transaction()
        await behind.execute(WRITE, [1])
        connection = connection_of(behind)
        connection.number = replace(connection.number, xid=2**40)
        proxy.truncate(1, "to_client")
        watch = Stopwatch()

        with pytest.raises(ConnectionError) as caught:
            await behind.commit()

        assert watch.taken < 3
        assert caught.value.outcome == "unknown"

    async def test_is_waited_for_while_it_is_under_way(
        self, postgres_database: PostgresEndpoint, behind: PostgresStorage, proxy: ChaosProxy
    ) -> None:
        """A commit that takes its time, here by a trigger at its end, is told when it is over."""
        alter(
            postgres_database,
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION slow()",
        )
        await behind.begin_transaction()
        await behind.execute(WRITE, [1])
        committing = asyncio.ensure_future(behind.commit())

        with postgres_database.counters() as counters:
            await until(lambda: sleeps(counters))
            # The server is not told: it goes on.
            proxy.cut("to_client")
            await committing
            assert not sleeps(counters)

        assert await ids(behind) == [1]

    async def test_while_the_storage_disconnects(
        self, behind: PostgresStorage, proxy: ChaosProxy
    ) -> None:
        """It is told at once that nobody knows."""
        await behind.begin_transaction()
        await behind.execute(WRITE, [1])
        proxy.black_hole("to_client")
        committing = asyncio.ensure_future(behind.commit())
        await asyncio.sleep(0.05)
        proxy.refuse()
        proxy.cut()
        await asyncio.sleep(0.05)
        assert not committing.done()
        watch = Stopwatch()
        await behind.disconnect()

        with pytest.raises(ConnectionError) as caught:
            await committing

        assert watch.taken < 1.5
        assert caught.value.outcome == "unknown"
