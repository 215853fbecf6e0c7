"""A connection to PostgreSQL is made on the loop, ends in time and leaves nothing behind."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from psycopg import pq

from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces import ConfigurationError, ConnectionError, TimeoutError
from infrastructure.storage.postgres import _sockets
from infrastructure.storage.postgres._dial import Dialled, cancel, dial
from infrastructure.storage.postgres._settings import options_of
from infrastructure.testing import ChaosProxy, every_cancellation

from ...faults._timing import SLACK, within
from ...servers.ports import free_port
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from ...servers.serving import serving
from ...servers.waiting import until

ASK_SETTINGS = """
SELECT concat_ws('|', current_setting('TimeZone'), current_setting('DateStyle'),
    current_setting('IntervalStyle'), current_setting('client_encoding'),
    current_setting('application_name'), current_setting('search_path'),
    current_setting('app.who', true), current_setting('standard_conforming_strings'))
"""


async def dialled(url: str, within: float = 5.0, **given: Any) -> Dialled:
    return await dial(options_of(url, given), time.monotonic() + within)


async def refused(cls: type[Exception], url: str, within: float = 5.0, **given: Any) -> Any:
    before = descriptors()

    with pytest.raises(cls) as caught:
        await dialled(url, within, **given)

    assert type(caught.value) is cls
    assert caught.value.outcome == "not_applied"
    # What others have left may go meanwhile.
    assert descriptors() <= before
    assert watched() == 0
    return caught.value


def ask(found: Dialled, query: str) -> str:
    found.pgconn.nonblocking = 0
    result = found.pgconn.exec_(query.encode())
    return result.get_value(0, 0).decode()


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def watched() -> int:
    """How many sockets of libpq's the loop watches for us."""
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
    handles = (handle for key in selector.get_map().values() for handle in key.data if handle)
    return sum(handle._callback is _sockets._set for handle in handles)


async def test_what_the_server_says_of_itself(postgres: PostgresEndpoint) -> None:
    """All of it in the first round trip; the connection is ready and does not block."""
    found = await dialled(postgres.url)
    assert (found.pooled, found.read_only, found.in_recovery) == (False, False, False)
    assert found.server_version >= 120000
    assert found.timescale is None
    assert found.pgconn.nonblocking == 1
    assert ask(found, "SELECT 'one'") == "one"
    found.pgconn.finish()


async def test_the_session_is_set(postgres: PostgresEndpoint) -> None:
    """UTC and the formats that values are read by, whatever the server's own are."""
    url = postgres.address(**{"settings.search_path": "app, public"})
    found = await dialled(url, application_name="me", settings={"app.who": 'o\'ne \\ "x" س'})
    assert ask(found, ASK_SETTINGS) == (
        'UTC|ISO, MDY|postgres|UTF8|me|app, public|o\'ne \\ "x" س|on'
    )
    found.pgconn.finish()


async def test_a_setting_that_the_server_refuses(postgres: PostgresEndpoint) -> None:
    """Is wrong configuration; its value is shown, and no secret that the application keeps in another."""
    for name, value, sqlstate, said in (
        ("Work_mem", "a lot", "22023", '"work_mem": "a lot"'),
        ("work_mem", "1kB", "22023", '1 kB is outside the valid range for parameter "work_mem"'),
        ("default_transaction_isolation", "none", "22023", '"none"'),
        ("no_such", "hunter2", "42704", '"no_such"'),
        ("work_mem", "password=hunter2", "22023", '"password=***'),
    ):
        settings = {name: value, "app.secret": "hunter2"}
        error = await refused(ConfigurationError, postgres.url, settings=settings)
        assert error.sqlstate == sqlstate
        assert said in str(error)
        assert f"look at settings= ({', '.join(sorted(settings))})" in str(error)
        assert "hunter2" not in f"{error!r} {error.__cause__!r}"


async def test_by_a_unix_socket(private_postgres: PostgresServer) -> None:
    """In both forms that its folder can be given."""
    folder, port = str(private_postgres.folder), private_postgres.port
    urls = (
        f"postgresql://postgres@/postgres?host={folder}&port={port}",
        f"postgresql://postgres@{quote(folder, safe='')}:{port}/postgres",
        private_postgres.socket_url,
    )

    for url in urls:
        found = await dialled(url)
        assert ask(found, "SELECT coalesce(inet_server_port()::text, 'socket')") == "socket"
        found.pgconn.finish()

    error = await refused(ConnectionError, "postgresql:///d?host=/tmp/none")
    assert "is it the folder of the server's socket?" in str(error)


async def test_a_wrong_password(postgres: PostgresEndpoint) -> None:
    """Or none, or an unknown user: wrong configuration, and no secret is shown."""
    with postgres.role(password="l0velace") as role:
        urls = {
            postgres.address(user=role.user, password="hunter2"): "look at the user and the pass",
            postgres.address(user=role.user): "name it in the URL",
            postgres.address(user="nobody", password="hunter2"): "look at the user and the passw",
        }

        for url, said in urls.items():
            error = await refused(ConfigurationError, url)
            assert error.sqlstate == "28P01"
            assert said in str(error)
            assert "hunter2" not in f"{error!r} {error.__cause__!r}"


async def test_a_password_of_any_letters(postgres: PostgresEndpoint) -> None:
    """Quotes, blanks and backslashes reach the server."""
    with postgres.role(password="p'a\\s s=w\"o@r:d/سلام") as role:
        found = await dialled(role.url)
        assert ask(found, "SELECT current_user") == role.user
        found.pgconn.finish()


async def test_a_missing_database(postgres: PostgresEndpoint) -> None:
    """Is wrong configuration."""
    error = await refused(ConfigurationError, postgres.address(name="no such"))
    assert error.sqlstate == "3D000"
    assert 'database "no such" does not exist; look at the database in the URL' in str(error)


async def test_a_refused_connection() -> None:
    """Passes, perhaps: the server may be down for a moment."""
    port = free_port()
    error = await refused(ConnectionError, f"postgresql://u:hunter2@127.0.0.1:{port}/d")
    assert error.retryable
    assert f"connect to postgresql://127.0.0.1:{port}/d" in str(error)
    assert str(error).endswith("Connection refused; does a server run there?")
    assert "hunter2" not in f"{error!r} {error.__cause__!r}"


async def test_a_host_that_nobody_knows() -> None:
    """Passes, perhaps; a name that can be none does not."""
    error = await refused(ConnectionError, "postgresql://nowhere.invalid/d")
    assert "no address was found for nowhere.invalid" in str(error)
    label = "a" * 64
    error = await refused(ConfigurationError, f"postgresql://{label}.invalid/d")
    assert "cannot be a host's name" in str(error)


async def test_a_server_that_is_full(postgres: PostgresEndpoint) -> None:
    """That passes: it is retryable."""
    with postgres.role("CONNECTION LIMIT 1") as role:
        first = await dialled(role.url)
        error = await refused(ConnectionError, role.url)
        assert (error.sqlstate, error.retryable) == ("53300", True)
        first.pgconn.finish()


async def test_what_answers_is_no_postgresql() -> None:
    """Its words are not taken for a server's."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(greet) as (_, port):
        error = await refused(
            ConnectionError, f"postgresql://127.0.0.1:{port}/d", sslmode="disable"
        )
        assert "what answers is no PostgreSQL" in str(error)


@pytest.mark.parametrize("after", [0, 9, 120])
async def test_a_connection_that_breaks_meanwhile(postgres: PostgresEndpoint, after: int) -> None:
    """At any byte of the server's: nothing was applied."""
    async with ChaosProxy((postgres.host, postgres.port)) as proxy:
        proxy.truncate(after, "to_client", ending="reset", counting="next")
        url = f"postgresql://postgres@{proxy.host}:{proxy.port}/postgres?sslmode=disable"

        with pytest.raises(ConnectionError) as caught:
            await dialled(url)

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        assert not watched()


async def assert_timely(url: str) -> None:
    watch = Stopwatch()

    with within(0.1 + SLACK), pytest.raises(TimeoutError) as caught:
        await dialled(url, within=0.1)

    assert watch.passed >= 0.1
    assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
    assert f"connect: the deadline passed before {options_of(url, {}).where} answ" in str(
        caught.value
    )
    assert not watched()


async def test_a_server_that_says_nothing(postgres: PostgresEndpoint) -> None:
    """The deadline ends it, at most 250 ms late, TLS or not."""
    async with ChaosProxy((postgres.host, postgres.port)) as proxy:
        proxy.black_hole()

        for mode in ("disable", "prefer", "verify-full"):
            url = f"postgresql://postgres@{proxy.host}:{proxy.port}/postgres?sslmode={mode}"
            await assert_timely(url)


async def test_a_server_that_says_no_more(postgres_database: PostgresEndpoint) -> None:
    """It lets us in and then has no time for the question."""
    with postgres_database.control() as control, control.transaction():
        control.execute("LOCK TABLE pg_extension")
        await assert_timely(postgres_database.url)


async def test_a_libpq_that_is_too_old(postgres: PostgresEndpoint, monkeypatch) -> None:
    """Its cancelling would hold the loop; what to install is told."""
    monkeypatch.setattr(pq, "version", lambda: 160004)
    error = await refused(ConfigurationError, postgres.url)
    assert "libpq 16 is too old" in str(error)
    assert "pip install 'infrastructure-interfaces[postgres]'" in str(error)


async def test_no_time_at_all(postgres: PostgresEndpoint) -> None:
    """Nothing is begun where the deadline has passed."""
    await refused(TimeoutError, postgres.url, within=-1)


async def test_a_cancelled_connect_leaves_nothing(postgres: PostgresEndpoint) -> None:
    """At every suspension, in both phases: no socket, no reader, no task."""
    url = postgres.url.replace("127.0.0.1", "localhost")
    # The thread that looks names up stays.
    (await dialled(url)).pgconn.finish()
    before = descriptors(), 0, len(asyncio.all_tasks())

    async def connect() -> None:
        (await dialled(url)).pgconn.finish()

    async def after(_outcome: Any) -> None:
        # A name that nobody waits for any more is looked up to its end.
        await until(lambda: descriptors() <= before[0])
        assert (watched(), len(asyncio.all_tasks())) == before[1:]

    outcomes = await every_cancellation(connect, after=after)
    assert sum(one.reached for one in outcomes) > 6
    assert not any(one.swallowed for one in outcomes)


class TestCancel:
    """Asking the server to stop."""

    async def test_a_statement_is_stopped(self, postgres: PostgresEndpoint) -> None:
        """The connection goes on."""
        found = await dialled(postgres.url)
        found.pgconn.send_query(b"SELECT pg_sleep(30)")
        before = descriptors()
        # What arrives before the statement finds nothing to stop.
        running = "query = 'SELECT pg_sleep(30)' AND state = 'active'"
        active = f"SELECT count(*) FROM pg_stat_activity WHERE {running}"
        await until(lambda: postgres.ask(active))
        await cancel(found.pgconn, time.monotonic() + 5)
        # What others had open may be collected meanwhile.
        assert descriptors() <= before
        found.pgconn.nonblocking = 0
        result = found.pgconn.get_result()
        assert result is not None
        assert "canceling statement" in result.get_error_message()
        found.pgconn.get_result()
        assert ask(found, "SELECT 'alive'") == "alive"
        found.pgconn.finish()

    async def test_it_never_raises(self, postgres: PostgresEndpoint) -> None:
        """Neither on a closed connection, nor where nobody answers, nor too late."""
        async with ChaosProxy((postgres.host, postgres.port)) as proxy:
            url = f"postgresql://postgres@{proxy.host}:{proxy.port}/postgres"
            found = await dialled(url)
            proxy.black_hole()
            started = time.monotonic()

            with within(0.1 + SLACK):
                await cancel(found.pgconn, started + 0.1)

            await cancel(found.pgconn, started)
            proxy.heal()
            proxy.refuse()
            await cancel(found.pgconn, time.monotonic() + 5)
            assert not watched()
            found.pgconn.finish()
            await cancel(found.pgconn, time.monotonic() + 5)

    async def test_its_own_cancellation_comes_out(self, postgres: PostgresEndpoint) -> None:
        """And leaves no socket."""
        found = await dialled(postgres.url)
        before = descriptors()

        async def ask_to_stop() -> None:
            await cancel(found.pgconn, time.monotonic() + 5)

        outcomes = await every_cancellation(ask_to_stop)
        assert sum(one.reached for one in outcomes) > 1
        assert not any(one.swallowed for one in outcomes)
        # What others have left may go meanwhile.
        assert descriptors() <= before
        assert watched() == 0
        found.pgconn.finish()
