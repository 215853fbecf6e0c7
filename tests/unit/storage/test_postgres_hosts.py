"""Of several hosts libpq takes the one that is asked for; a dead one costs little time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infrastructure.interfaces import ConfigurationError, ConnectionError
from infrastructure.storage.postgres import _reach
from infrastructure.testing import ChaosProxy

from ...faults._timing import within
from ...servers.ports import free_port
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .test_postgres_dial import descriptors, dialled, refused, watched


def of(*servers: PostgresEndpoint | ChaosProxy, query: str = "") -> str:
    hosts = ",".join(f"{each.host}:{each.port}" for each in servers)
    return f"postgresql://postgres@{hosts}/postgres?{query}"


@contextmanager
def read_only(server: PostgresEndpoint) -> Iterator[None]:
    """Let a server take no writes, as far as a client can tell."""
    with server.control() as control:
        control.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        control.execute("SELECT pg_reload_conf()")

        try:
            yield
        finally:
            control.execute("SET default_transaction_read_only = off")
            control.execute("ALTER SYSTEM RESET default_transaction_read_only")
            control.execute("SELECT pg_reload_conf()")


async def test_a_host_that_refuses(postgres: PostgresEndpoint) -> None:
    """The next one is taken; where all refuse the text has each."""
    dead, other = free_port(), free_port()
    place = f"127.0.0.1:{dead},{postgres.host}:{postgres.port}"
    found = await dialled(f"postgresql://postgres@{place}/postgres")
    assert int(found.pgconn.port) == postgres.port
    found.pgconn.finish()
    error = await refused(ConnectionError, f"postgresql://127.0.0.1:{dead},127.0.0.1:{other}/d")
    assert f"port {dead} failed" in str(error)
    assert f"port {other} failed" in str(error)


async def test_a_host_without_an_address(postgres: PostgresEndpoint) -> None:
    """It is left out while there are others."""
    place = f"nowhere.invalid,{postgres.host}:{postgres.port}"
    found = await dialled(f"postgresql://postgres@{place}/postgres")
    assert int(found.pgconn.port) == postgres.port
    found.pgconn.finish()


@pytest.mark.parametrize("silent", [1, 2])
async def test_hosts_that_say_nothing(postgres: PostgresEndpoint, monkeypatch, silent: int) -> None:
    """They are put behind the others after a while: libpq itself would wait for ever."""
    monkeypatch.setattr(_reach, "_PATIENCE", 0.05)

    async with (
        ChaosProxy((postgres.host, postgres.port)) as one,
        ChaosProxy((postgres.host, postgres.port)) as two,
    ):
        for proxy in (one, two)[:silent]:
            proxy.black_hole()

        before = descriptors() - 2 * (one.open + two.open)
        url = of(*(one, two)[:silent], postgres, query="sslmode=disable")

        with within(0.05 * silent + 0.3):
            found = await dialled(url)

        assert int(found.pgconn.port) == postgres.port
        assert not watched()
        found.pgconn.finish()
        assert descriptors() - 2 * (one.open + two.open) <= before + silent


async def test_a_slow_host_is_given_more_time(postgres: PostgresEndpoint, monkeypatch) -> None:
    """Where none answers soon each is waited for longer and longer."""
    monkeypatch.setattr(_reach, "_PATIENCE", 0.02)

    async with (
        ChaosProxy((postgres.host, postgres.port)) as one,
        ChaosProxy((postgres.host, postgres.port)) as two,
    ):
        one.delay(0.05)
        two.delay(0.05)
        found = await dialled(of(one, two, query="sslmode=disable"))
        assert one.accepted + two.accepted > 2
        found.pgconn.finish()


@pytest.mark.slow
async def test_the_server_that_takes_writes(
    postgres: PostgresEndpoint, private_postgres: PostgresServer
) -> None:
    """Of several hosts that one is taken, unless something else was asked for."""
    with read_only(private_postgres):
        found = await dialled(of(private_postgres, postgres))
        assert (int(found.pgconn.port), found.read_only) == (postgres.port, False)
        found.pgconn.finish()
        found = await dialled(of(private_postgres, postgres, query="target_session_attrs=any"))
        assert (int(found.pgconn.port), found.read_only) == (private_postgres.port, True)
        found.pgconn.finish()

        # After a failover it may come back.
        url = of(private_postgres, query="target_session_attrs=read-write")
        error = await refused(ConnectionError, url)
        assert (error.sqlstate, error.retryable) == ("25006", True)
        assert "is a failover under way?" in str(error)


async def test_a_wrong_password_at_the_last_host(postgres: PostgresEndpoint) -> None:
    """The reason of the host that was reached counts."""
    place = f"127.0.0.1:{free_port()},{postgres.host}:{postgres.port}"
    error = await refused(ConfigurationError, f"postgresql://nobody:hunter2@{place}/postgres")
    assert error.sqlstate == "28P01"
