"""One request at a time on a connection: what was left half-way is ended, and never somebody else's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConnectionError,
    OperationError,
    TimeoutError,
)
from infrastructure.storage.postgres import _requests
from infrastructure.storage.postgres._connection import Connection
from infrastructure.storage.postgres._dial import dial
from infrastructure.storage.postgres._settings import options_of
from infrastructure.storage.postgres._wire import Wire
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until

ended: list[Wire] = []


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


async def connected(url: str, **given: Any) -> Connection:
    found = await dial(options_of(url, {}), soon())
    return Connection(found.pgconn, ended.append, **given)


@pytest.fixture
async def connection(postgres: PostgresEndpoint) -> AsyncIterator[Connection]:
    """A connection of the test's own."""
    ended.clear()
    opened = await connected(postgres.url)
    yield opened
    opened.close("the test is over")


@pytest.fixture
async def proxy(postgres: PostgresEndpoint) -> AsyncIterator[ChaosProxy]:
    """Give a proxy before the server."""
    async with ChaosProxy((postgres.host, postgres.port)) as proxy:
        yield proxy


async def one(connection: Connection, query: str = "SELECT 'one'") -> str:
    [result] = await connection.simple(query, soon(), "test")
    return (result.get_value(0, 0) or b"").decode()


async def cancelled(call: Any, wait: float = 0.05) -> None:
    task = asyncio.ensure_future(call)
    await asyncio.sleep(wait)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_several_statements_at_once(connection: Connection) -> None:
    """Have a result each; an error among them is raised when all is over."""
    found = await connection.simple("SELECT 1; SELECT 2", soon(), "test")
    assert [result.get_value(0, 0) for result in found] == [b"1", b"2"]

    with pytest.raises(OperationError) as caught:
        await connection.simple("SELECT 1; SELECT 1 / 0; SELECT 2", soon(), "test")

    assert caught.value.sqlstate == "22012"
    assert await one(connection) == "one"


async def test_what_was_cancelled_is_settled(connection: Connection) -> None:
    """The server ends it, and the next request has its own answer."""
    await cancelled(connection.simple("SELECT pg_sleep(60)", soon(), "test"))
    assert connection.unanswered
    assert not connection.is_clean
    await connection.settle(soon(1))
    await connection.settle(soon(1))
    assert connection.is_clean
    assert await one(connection) == "one"


async def test_what_was_cancelled_in_a_pipeline_is_settled(connection: Connection) -> None:
    """The connection is out of it again."""
    await connection.begin_transaction("BEGIN", soon())
    await connection.simple("CREATE TEMP TABLE mine (a int)", soon(), "test")
    pgconn = connection.pgconn
    await cancelled(
        connection.change(
            lambda: pgconn.send_query_params(b"INSERT INTO mine SELECT 1 FROM pg_sleep(60)", []),
            soon(),
            "test",
        )
    )
    await connection.settle(soon(1))
    assert connection.has_failed
    await connection.simple("ROLLBACK", soon(), "test")
    assert await one(connection) == "one"


async def test_a_deadline_leaves_it_unanswered(connection: Connection) -> None:
    """Whether it was done is not known; of what changes nothing it does not matter."""
    for harmless, outcome in ((False, "unknown"), (True, "not_applied")):
        with pytest.raises(TimeoutError) as caught:
            await connection.simple("SELECT pg_sleep(60)", soon(0.05), "test", harmless=harmless)

        assert caught.value.outcome == outcome
        assert connection.unanswered
        await connection.settle(soon(1))

    assert await one(connection) == "one"


async def test_a_cancel_that_is_not_finished_ends_the_connection(
    proxy: ChaosProxy, postgres: PostgresEndpoint
) -> None:
    """It may come late, and would hit the next statement."""
    connection = await connected(postgres.moved(proxy.host, proxy.port))
    await cancelled(connection.simple("SELECT pg_sleep(3)", soon(), "test"))
    proxy.black_hole("to_server")
    await cancelled(connection.settle(soon()), 0.1)
    assert not connection.is_open
    assert not connection.is_clean


async def test_a_cancel_that_is_refused_ends_the_connection(
    proxy: ChaosProxy, postgres: PostgresEndpoint
) -> None:
    """Nobody would end the statement."""
    connection = await connected(postgres.moved(proxy.host, proxy.port))
    await cancelled(connection.simple("SELECT pg_sleep(3)", soon(), "test"))
    proxy.refuse()
    await connection.settle(soon())
    assert not connection.is_open


async def test_a_statement_that_hears_nothing_at_first(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cancelled again: a cancel that comes before the statement is lost."""
    monkeypatch.setattr(_requests, "_AGAIN", 0.02)
    text = "SELECT pg_sleep(0.001)" + " UNION ALL SELECT pg_sleep(0.001)" * 2000
    await cancelled(connection.simple(text, soon(), "test"), 0.0)
    await connection.settle(soon(2))
    assert await one(connection) == "one"


class TestCopy:
    async def test_in_left_half_way_is_ended(self, connection: Connection) -> None:
        """The server takes nothing of it."""
        await connection.simple("CREATE TEMP TABLE mine (a int)", soon(), "test")
        await connection.simple("COPY mine FROM STDIN", soon(), "test")
        connection.put(b"1\n", "test")
        assert connection.unanswered
        await connection.settle(soon(1))
        assert await one(connection, "SELECT count(*) FROM mine") == "0"

    async def test_in_begun_by_what_was_cancelled(self, connection: Connection) -> None:
        """It is given up when it begins."""
        await connection.simple("CREATE TEMP TABLE mine (a int)", soon(), "test")
        await cancelled(connection.simple("COPY mine FROM STDIN", soon(), "test"), 0.0)
        await connection.settle(soon(1))
        assert await one(connection, "SELECT count(*) FROM mine") == "0"

    async def test_out_ends_the_connection(self, connection: Connection) -> None:
        """Nobody reads it; the loop turns on."""
        with pytest.raises(ConnectionError, match="began to copy out"):
            await connection.simple("COPY pg_class TO STDOUT", soon(), "test")

        assert ended == [connection]

    async def test_on_a_connection_that_is_gone(self, connection: Connection) -> None:
        """Nothing is put, and nothing ended."""
        await connection.simple("CREATE TEMP TABLE mine (a int)", soon(), "test")
        await connection.simple("COPY mine FROM STDIN", soon(), "test")
        connection.close("by the test")
        connection.end_copy()

        with pytest.raises(ConnectionError, match="by the test") as caught:
            connection.put(b"1\n", "test")

        assert caught.value.outcome == "not_applied"

    async def test_put_outside_one_ends_the_connection(self, connection: Connection) -> None:
        """Libpq refuses it."""
        with pytest.raises(ConnectionError):
            connection.put(b"1\n", "test")

        assert not connection.is_open


class TestLoss:
    async def test_before_a_request(self, connection: Connection) -> None:
        """Nothing is sent."""
        connection.close("by the test")
        connection.close("again")
        assert ended == [connection]

        with pytest.raises(ConnectionError, match="by the test") as caught:
            await one(connection)

        assert caught.value.outcome == "not_applied"

    async def test_while_it_rests(self, connection: Connection, postgres: PostgresEndpoint) -> None:
        """The server's last words are the reason."""
        pid = connection.pgconn.backend_pid
        postgres.ask(f"SELECT pg_terminate_backend({pid})")
        await until(lambda: not connection.is_open)
        assert connection.broke
        assert "terminating connection due to administrator command" in connection.reason

    @pytest.mark.parametrize("pipeline", [True, False])
    async def test_while_it_waits(
        self, connection: Connection, postgres: PostgresEndpoint, *, pipeline: bool
    ) -> None:
        """The same words come as the error."""
        pgconn = connection.pgconn

        def send() -> None:
            pgconn.send_query_params(b"SELECT pg_sleep(60)", [])

            if pipeline:
                pgconn.pipeline_sync()

        waiting = asyncio.ensure_future(connection.request(send, soon(), "test", pipeline=pipeline))
        await asyncio.sleep(0.05)
        postgres.ask(f"SELECT pg_terminate_backend({pgconn.backend_pid})")

        with pytest.raises(ConnectionError) as caught:
            await waiting

        assert (caught.value.sqlstate, caught.value.outcome) == ("57P01", "unknown")
        assert not connection.is_open

    @pytest.mark.parametrize("pipeline", [True, False])
    async def test_without_a_word(
        self, proxy: ChaosProxy, postgres: PostgresEndpoint, *, pipeline: bool
    ) -> None:
        """A reset ends what waits, in a pipeline too: the loop is not held."""
        connection = await connected(postgres.moved(proxy.host, proxy.port))
        pgconn = connection.pgconn

        def send() -> None:
            pgconn.send_query_params(b"SELECT pg_sleep(60)", [])

            if pipeline:
                pgconn.pipeline_sync()

        waiting = asyncio.ensure_future(connection.request(send, soon(), "test", pipeline=pipeline))
        await asyncio.sleep(0.05)
        proxy.reset()

        async with asyncio.timeout(1):
            with pytest.raises(ConnectionError) as caught:
                await waiting

        assert caught.value.outcome == "unknown"

    async def test_half_a_request(self, connection: Connection) -> None:
        """Whatever the reason: what comes next must not get its answers."""

        def wrong() -> None:
            connection.pgconn.send_prepare(b"x", b"SELECT $1::int")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await connection.request(wrong, soon(), "test", pipeline=True)

        assert not connection.is_open

    async def test_what_libpq_refuses_to_send(self, connection: Connection) -> None:
        """Nothing of it was done."""
        send = connection.pgconn.send_query_params

        with pytest.raises(ConnectionError) as caught:
            await connection.request(lambda: send(b"SELECT 1", [None] * 70_000), soon(), "test")

        assert caught.value.outcome == "not_applied"


async def test_more_than_the_system_takes(proxy: ChaosProxy, postgres: PostgresEndpoint) -> None:
    """It is written by and by, while the answers are read."""
    connection = await connected(postgres.moved(proxy.host, proxy.port))
    proxy.delay(0.01)
    large = b"x" * 30_000_000
    pgconn = connection.pgconn
    call = connection.request(
        lambda: pgconn.send_query_params(b"SELECT length($1::text), $1::text", [large]),
        soon(20),
        "test",
    )
    [result] = await call
    assert result.get_value(0, 0) == b"30000000"
    assert await one(connection) == "one"
    connection.close("by the test")


async def test_a_writer_whose_connection_is_closed_goes_on(
    proxy: ChaosProxy, postgres: PostgresEndpoint
) -> None:
    """Whoever waits for room is woken."""
    connection = await connected(postgres.moved(proxy.host, proxy.port))
    proxy.black_hole()
    await connection.room()
    pgconn = connection.pgconn
    connection.begin(
        lambda: pgconn.send_query_params(b"SELECT $1::text", [b"x" * 30_000_000]), "test"
    )
    waiting = [asyncio.ensure_future(connection.room()) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert not any(each.done() for each in waiting)
    connection.close("by the test")
    await asyncio.gather(*waiting)


class TestPrepared:
    async def test_a_description_inside_a_transaction(self, connection: Connection) -> None:
        """What is found wrong leaves it open; right or wrong, no savepoint stays."""
        await connection.begin_transaction("BEGIN", soon())

        with pytest.raises(OperationError):
            await connection.describe(b"SELECT none", [], soon(), "test", kept=True)

        assert connection.in_transaction
        assert not connection.has_failed
        found = await connection.describe(b"SELECT $1::int", [], soon(), "test", kept=True)
        assert found.param_type(0) == 23

        with pytest.raises(OperationError) as caught:
            await connection.simple("RELEASE infrastructure_describe", soon(), "test")

        assert caught.value.sqlstate == "3B001"

    async def test_the_same_without_pipelining(self, postgres: PostgresEndpoint) -> None:
        """One step after another."""
        connection = await connected(postgres.url, pipelined=False)
        await connection.begin_transaction("BEGIN", soon())
        found = await connection.describe(b"SELECT $1::int", [], soon(), "test", kept=True)
        assert found.param_type(0) == 23

        with pytest.raises(OperationError):
            await connection.describe(b"SELECT none", [], soon(), "test", kept=True)

        found = await connection.describe(b"SELECT 1", [], soon(), "test")
        assert found.nparams == 0
        assert connection.number is None
        connection.close("by the test")


async def test_what_the_server_remarks_is_for_debugging(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no result."""
    caplog.set_level(logging.DEBUG, "infrastructure")
    [result] = await connection.simple(
        "DO $$ BEGIN RAISE WARNING 'mind it'; END $$", soon(), "test"
    )
    assert result.command_status == b"DO"
    assert "WARNING:  mind it" in caplog.text
