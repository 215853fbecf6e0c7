"""PgBouncer stands between clients and PostgreSQL, and does to them what it does everywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import psycopg
import pytest

from . import debian_postgres as debian, shared
from .pgbouncer import PgBouncer
from .postgres_endpoint import PostgresEndpoint
from .postgres_server import PostgresServer

Start = Callable[[PgBouncer], Awaitable[PgBouncer]]
StartServer = Callable[[PostgresServer], Awaitable[PostgresServer]]


def backend(control: psycopg.Connection[tuple[int]]) -> int:
    """Return the number of the server's process that answers."""
    [[pid]] = control.execute("SELECT pg_backend_pid()")
    return pid


def test_it_leads_to_the_server(pgbouncer: PgBouncer, postgres: PostgresEndpoint) -> None:
    """To the same database, by another port; it is the one of the run."""
    assert pgbouncer.port != postgres.port
    assert pgbouncer.ask("SHOW port") == str(postgres.port)
    assert pgbouncer.ask("SELECT current_database()") == postgres.name
    assert shared.pgbouncer() is pgbouncer


def test_a_connection_of_the_server_is_shared(pgbouncer: PgBouncer) -> None:
    """Two clients have it in turn, outside of transactions; its number is nobody's secret."""
    with pgbouncer.database() as database, database.control() as one, database.control() as other:
        assert backend(one) == backend(other) != one.info.backend_pid

        with one.transaction():
            assert backend(one) != backend(other)


def test_what_a_session_keeps_is_lost(pgbouncer: PgBouncer) -> None:
    """A prepared statement is somebody else's, the worst case; options are refused."""
    with pgbouncer.database() as database, database.control() as one, database.control() as other:
        one.execute("PREPARE a AS SELECT 1")

        with pytest.raises(psycopg.errors.DuplicatePreparedStatement):
            other.execute("PREPARE a AS SELECT 1")

        with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
            psycopg.connect(database.address(options="-c statement_timeout=1"))


def test_a_role_of_the_server_is_let_in(pgbouncer: PgBouncer) -> None:
    """With its password."""
    with pgbouncer.role() as role:
        assert role.ask("SELECT current_user") == role.user

        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(role.address(password="wrong"))


async def test_a_session_may_have_a_connection(
    start_pgbouncer: Start, postgres: PostgresEndpoint
) -> None:
    """Its own, where it is started so."""
    pooler = await start_pgbouncer(PgBouncer(postgres, {"pool_mode": "session"}))

    with pooler.control() as one, pooler.control() as other:
        assert backend(one) != backend(other)


@pytest.mark.slow
async def test_it_starts_again_and_knows_a_password(
    start_pgbouncer: Start, start_postgres: StartServer
) -> None:
    """On its port, with the server's, in front of one that lets nobody in without."""
    server = await start_postgres(PostgresServer(debian.program(), password="secret"))
    pooler = await start_pgbouncer(PgBouncer(server))
    await pooler.process.restart()
    assert pooler.ask("SELECT 1") == 1
    assert "secret" not in repr(pooler)

    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(pooler.address(password="wrong"))

    await pooler.close()
    assert not pooler.folder.exists()
