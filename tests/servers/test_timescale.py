"""The TimescaleDB of the run is a real one; where it is not a native one, its limits are known."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from . import shared, timescale_server
from .postgres_endpoint import PostgresEndpoint
from .timescale_server import TimescaleServer

pytestmark = pytest.mark.slow


@pytest.fixture
async def ours(timescale: PostgresEndpoint) -> AsyncIterator[TimescaleServer]:
    """Give the one in WebAssembly, of this test where the run's is native."""
    if isinstance(timescale, TimescaleServer):
        yield timescale
        return

    async with TimescaleServer() as server:
        yield server


async def test_it_makes_hypertables(timescale: PostgresEndpoint) -> None:
    """With chunks, buckets and compression."""
    with timescale.control() as control:
        control.execute("CREATE TABLE a (t timestamptz NOT NULL, v float8)")
        control.execute("SELECT create_hypertable('a', by_range('t'))")
        control.execute(
            "INSERT INTO a SELECT timestamptz '2024-01-01Z' + g * interval '1 hour', g"
            " FROM generate_series(0, 999) AS g"
        )
        chunks = control.execute("SELECT show_chunks('a')").fetchall()
        buckets = control.execute("SELECT DISTINCT time_bucket('7 days', t) FROM a").fetchall()
        control.execute("ALTER TABLE a SET (timescaledb.compress)")
        compressed = control.execute("SELECT compress_chunk(c) FROM show_chunks('a') AS c")
        assert (len(buckets), len(chunks)) == (6, 7)
        assert compressed.rowcount == 7
        assert control.execute("SELECT sum(v) FROM a").fetchone() == (499500,)
        control.execute(
            "CREATE MATERIALIZED VIEW w WITH (timescaledb.continuous) AS"
            " SELECT time_bucket('7 days', t) AS t, max(v) FROM a GROUP BY 1"
        )
        assert control.execute("SELECT count(*) FROM w").fetchone() == (6,)
        assert control.execute("SELECT drop_chunks('a', older_than => now())").rowcount == 7


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_it_empty(timescale: PostgresEndpoint, turn: int) -> None:
    """Tables, schemas and views of the test before are gone."""
    with timescale.control() as control:
        control.execute("CREATE SCHEMA s CREATE TABLE b (t timestamptz NOT NULL)")
        control.execute("CREATE TABLE b (t timestamptz NOT NULL)")
        control.execute("CREATE VIEW v AS SELECT * FROM b")
        control.execute("SELECT create_hypertable('b', by_range('t'))")
        control.execute("INSERT INTO b VALUES (now())")
        hypertables = "SELECT count(*) FROM timescaledb_information.hypertables"
        assert control.execute(hypertables).fetchone() == (1,)


async def test_a_client_does_not_see_the_last_ones_session(timescale: PostgresEndpoint) -> None:
    """Its transaction, its settings, what it prepared: all gone."""
    with timescale.control() as control:
        control.execute("PREPARE p AS SELECT 1")
        control.execute("SET search_path TO public")
        control.execute("BEGIN")
        control.execute("CREATE TABLE a (b int)")
        # Without a goodbye: the block would commit.
        control.close()

    with timescale.control() as control:
        control.execute("PREPARE p AS SELECT 1")
        assert control.execute("SHOW search_path").fetchone() == ('"$user", public',)
        assert control.execute("SELECT to_regclass('a')").fetchone() == (None,)


async def test_it_heeds_what_a_client_asks_for_at_first(timescale: PostgresEndpoint) -> None:
    """Settings, which are the session's own also after RESET ALL; its number is the server's."""
    options = {"options": "-c timezone=Asia/Tehran -c a.b=c\\ d", "application_name": "ada"}

    with timescale.control(**options) as control:
        assert control.info.parameter_status("TimeZone") == "Asia/Tehran"
        assert control.execute("SHOW application_name").fetchone() == ("ada",)
        assert control.execute("SHOW a.b").fetchone() == ("c d",)
        [[pid]] = control.execute("SELECT pg_backend_pid()")
        assert control.info.backend_pid == pid
        control.execute("RESET ALL")
        assert control.execute("SHOW search_path").fetchone() == ('"$user", public',)


async def test_long_messages_and_batches_arrive(timescale: PostgresEndpoint) -> None:
    """Whole, however the network cut them; an error in a batch is the statement's own."""
    with timescale.control() as control:
        text = "سلام" * 500_000
        assert control.execute("SELECT %s::text", [text]).fetchone() == (text,)

        with control.cursor() as cursor:
            cursor.execute("CREATE TABLE a (b int, c text)")
            rows = [(number, "x" * 100) for number in range(2000)]
            cursor.executemany("INSERT INTO a VALUES (%s, %s)", rows)
            cursor.execute("SELECT count(*) FROM a")
            assert cursor.fetchone() == (2000,)

        assert outcomes(control.pgconn, b"SELECT 1", b"SELECT 1 / 0", b"SELECT 2") == [
            ExecStatus.TUPLES_OK,
            ExecStatus.FATAL_ERROR,
            ExecStatus.TUPLES_OK,
        ]


def outcomes(connection: PGconn, *texts: bytes) -> list[int]:
    """Send all, each with its Sync, and return what became of each."""
    connection.enter_pipeline_mode()

    for text in texts:
        connection.send_query_params(text, None)
        connection.pipeline_sync()

    connection.flush()
    found = [got for _ in range(3 * len(texts)) if (got := connection.get_result())]
    connection.exit_pipeline_mode()
    return [one.status for one in found if one.status != ExecStatus.PIPELINE_SYNC]


async def test_others_wait_for_their_turn(ours: TimescaleServer) -> None:
    """A second connection is answered when the first one is closed."""
    greeting = b"\0\0\0\x17\0\3\0\0user\0postgres\0\0"

    with ours.control() as control:
        reader, writer = await asyncio.open_connection(ours.host, ours.port)
        writer.write(greeting)
        answering = asyncio.create_task(reader.read(1))
        assert not (await asyncio.wait([answering], timeout=0.1))[0]
        control.execute("SELECT 1")

    assert await answering == b"R"
    writer.close()
    await writer.wait_closed()
    assert ours.ask("SELECT 1") == 1


async def test_copy_is_refused(ours: TimescaleServer) -> None:
    """By both protocols, and the session goes on."""
    with ours.control() as control:
        control.execute("CREATE TABLE a (b int)")

        with (
            pytest.raises(psycopg.errors.QueryCanceled, match="COPY is not possible here"),
            control.cursor().copy("COPY a FROM STDIN") as copy,
        ):
            copy.write_row([1])

        connection = control.pgconn
        connection.exec_params(b"COPY a FROM STDIN", None)
        connection.put_copy_end()
        result = connection.get_result()
        assert result is not None
        assert result.status == ExecStatus.FATAL_ERROR
        assert connection.get_result() is None
        assert control.execute("SELECT count(*) FROM a").fetchone() == (0,)


async def test_a_crash_is_no_harm_to_the_next_test(ours: TimescaleServer) -> None:
    """It starts again, empty."""
    with ours.control() as control:
        control.execute("CREATE TABLE a (b int)")

    ours.process.kill()
    await ours.start()
    assert ours.ask("SELECT to_regclass('a')") is None


def test_a_server_that_is_given_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`TIMESCALEDB_URL` names it, and nothing is started; it can do everything."""
    monkeypatch.setenv("TIMESCALEDB_URL", "postgresql://ada@db.example:7000/things")
    endpoint = shared.timescale.__wrapped__()
    assert type(endpoint) is PostgresEndpoint
    assert endpoint.url == "postgresql://ada@db.example:7000/things"
    assert endpoint.storage_options == {}


def test_without_node_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name."""
    monkeypatch.setenv("PATH", "")
    assert shutil.which("node") is None

    with pytest.raises(RuntimeError, match=r"TimescaleDB needs node, which is not installed"):
        timescale_server._command("node")
