"""F27 and F28: the address leads to another server; a connection with TLS is made anew with TLS."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from infrastructure import InfrastructureError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers import shared
from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.postgres_server import PostgresServer
from .._outcomes import ended
from .._timing import HEALED, within
from ._storages import Make, at

pytestmark = pytest.mark.slow

PORT = "SELECT inet_server_port() AS port"
TLS = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


async def test_F27_an_address_that_leads_elsewhere(
    make: Make, proxy: ChaosProxy, database: PostgresEndpoint
) -> None:
    """The next connections go where it leads now; the first call after the loss succeeds there."""
    other = shared.debian_postgres()

    with other.control() as control:
        control.execute(f"CREATE DATABASE {database.name}")  # type: ignore[arg-type] # ours

        try:
            async with make(proxy, deadline=5) as storage:
                for _ in range(3):
                    assert await storage.execute(PORT) == [{"port": database.port}]

                proxy.redirect((other.host, other.port))
                proxy.reset()
                await asyncio.sleep(0.01)

                with within(HEALED):
                    assert await storage.execute(PORT) == [{"port": other.port}]

                found = await asyncio.gather(*(storage.execute(PORT) for _ in range(30)))
                assert found == [[{"port": other.port}]] * 30
        finally:
            control.execute(f"DROP DATABASE {database.name} WITH (FORCE)")  # type: ignore[arg-type] # ours


async def test_F28_a_connection_that_breaks_is_secured_again(postgres_tls: PostgresServer) -> None:
    """After a reset too, and never in clear text where the server has no TLS any more."""
    async with (
        ChaosProxy((postgres_tls.host, postgres_tls.port)) as proxy,
        PostgresStorage(at(postgres_tls, proxy), deadline=2) as storage,
    ):
        for _ in range(3):
            assert await storage.execute(TLS) == [{"ssl": True}]

        proxy.reset()
        await asyncio.sleep(0.01)

        with within(HEALED):
            assert await storage.execute(TLS) == [{"ssl": True}]

        # A plain server answers the question for TLS with N: that is no connection.
        plain = shared.postgres()
        proxy.redirect((plain.host, plain.port))
        proxy.reset()
        await asyncio.sleep(0.01)
        error = await ended(partial(storage.execute, TLS), 2)
        assert isinstance(error, InfrastructureError), error
        assert error.outcome == "not_applied"
        proxy.redirect((postgres_tls.host, postgres_tls.port))
        proxy.reset()
        await asyncio.sleep(0.01)

        with within(HEALED):
            assert await storage.execute(TLS) == [{"ssl": True}]
