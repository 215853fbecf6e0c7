"""What PostgreSQL knows of its clients is read without counting oneself, and they can be ended."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import psycopg
import pytest

from infrastructure import ValidationError
from infrastructure.testing.postgres import PostgresCounters

from .pgbouncer import PgBouncer
from .postgres_endpoint import PostgresEndpoint


def test_the_reader_is_not_counted(postgres_database: PostgresEndpoint) -> None:
    """Nobody is there, however often it is read, and whoever is connected to another database."""
    with postgres_database.counters() as counters:
        for _ in range(2):
            reading = counters.read()
            assert (reading.open, reading.connections, reading.states) == (0, Counter(), Counter())


def test_connections_and_their_states_are_counted(postgres_database: PostgresEndpoint) -> None:
    """By the names of their applications; who came since is known by the process."""
    with (
        postgres_database.counters() as counters,
        postgres_database.control(application_name="ada") as one,
    ):
        before = counters.read()

        with postgres_database.control(application_name="ada", autocommit=False) as other:
            other.execute("SELECT 1")
            reading, newer = counters.read(), other.info.backend_pid

        assert reading.connections == {"ada": 2}
        assert reading.states == {"idle": 1, "idle in transaction": 1}
        assert reading.open == 2
        assert reading.pids - before.pids == {newer}
        one.execute("SELECT 2")
        [known] = [seen for seen in counters.sessions() if seen["pid"] == one.info.backend_pid]
        assert (known["user"], known["state"], known["query"]) == ("postgres", "idle", "SELECT 2")


def test_connections_are_ended(postgres_database: PostgresEndpoint) -> None:
    """Those that are named, or all but its own; they are gone when it returns."""
    with (
        postgres_database.counters() as counters,
        postgres_database.control() as one,
        postgres_database.control() as other,
        postgres_database.control() as third,
    ):
        assert counters.terminate(one.info.backend_pid) == 1
        assert counters.read().pids == {other.info.backend_pid, third.info.backend_pid}
        assert counters.terminate(one.info.backend_pid) == 0
        assert counters.terminate() == 2
        assert counters.read().open == 0

        for ended in (one, other, third):
            with pytest.raises(psycopg.OperationalError):
                ended.execute("SELECT 1")


def test_behind_a_pooler_its_connections_are_seen(pgbouncer: PgBouncer) -> None:
    """Which are the server's: two clients have one."""
    with pgbouncer.database() as database, database.control() as one, database.control() as other:
        one.execute("SELECT 1")
        other.execute("SELECT 1")

        with PostgresEndpoint(
            pgbouncer.upstream.address(name=database.name)
        ).counters() as counters:
            assert counters.read().open == 1


def test_it_has_to_be_opened(postgres_database: PostgresEndpoint) -> None:
    """Before its block and after it there is no connection."""
    counters = PostgresCounters(postgres_database.url)

    with counters:
        pass

    with pytest.raises(ValidationError, match="with block"):
        counters.read()


def test_a_missing_extra_is_named() -> None:
    """With the command that installs it."""
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from infrastructure import ConfigurationError\n"
        "try:\n    import infrastructure.testing.postgres\n"
        "except ConfigurationError as exc:\n    print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "needs psycopg: pip install 'infrastructure-interfaces[postgres]'" in done.stdout
