"""The log tells when the server is lost, and when it is back: once each, however many calls fail."""

from __future__ import annotations

import asyncio
import logging

import pytest

from infrastructure._core import outage
from infrastructure.interfaces import ConnectionError
from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from ...servers.waiting import until
from .postgres_shared import lane_for


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """Return what was logged for the user, without the place."""
    return [
        (record.levelno, record.getMessage().split(": ", 1)[1])
        for record in caplog.records
        if record.levelno >= logging.INFO
    ]


async def test_one_outage(
    postgres_database: PostgresEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """All connections break, and many calls fail."""
    caplog.set_level(logging.INFO, "infrastructure")

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        async with PostgresStorage(postgres_database.moved(proxy.host, proxy.port)) as storage:
            await lane_for(storage, "SELECT 1 AS one")
            assert told(caplog) == []
            proxy.refuse()
            proxy.cut()

            for _ in range(3):
                calls = [storage.execute("SELECT 1 AS one") for _ in range(9)]
                found = await asyncio.gather(*calls, return_exceptions=True)
                assert {type(each) for each in found} == {ConnectionError}

            [(level, text)] = told(caplog)
            assert level == logging.WARNING
            assert text.startswith("the server is lost: ")
            assert "\n" not in text
            proxy.heal()
            await storage.execute("SELECT 1 AS one")

        [_, (level, text)] = told(caplog)
        assert (level, text.split(" after ")[0]) == (logging.INFO, "the server is back")


async def test_one_of_several_connections(
    postgres_database: PostgresEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """Is no outage, nor is a disconnect."""
    caplog.set_level(logging.INFO, "infrastructure")

    async with PostgresStorage(postgres_database.url) as storage:
        lane = await lane_for(storage, "SELECT 1 AS one")
        postgres_database.ask(f"SELECT pg_terminate_backend({lane.pgconn.backend_pid})")
        await until(lambda: not lane.is_open)
        await storage.execute("SELECT 1 AS one")

    assert told(caplog) == []


async def test_one_that_comes_and_goes(
    postgres_database: PostgresEndpoint,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Is told of now and then."""
    caplog.set_level(logging.INFO, "infrastructure")

    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        url = postgres_database.moved(proxy.host, proxy.port)

        async with PostgresStorage(url, pipelining=False) as storage:
            for quiet, count in ((10.0, 2), (10.0, 2), (0.0, 4), (0.0, 6)):
                monkeypatch.setattr(outage, "_QUIET", quiet)
                proxy.cut()
                pool = storage._engine.pool
                await until(lambda pool=pool: not pool._idle)
                await storage.execute("SELECT 1")
                assert len(told(caplog)) == count


async def test_a_server_that_was_never_there(caplog: pytest.LogCaptureFixture) -> None:
    """Is told by the error alone."""
    caplog.set_level(logging.INFO, "infrastructure")

    async with ChaosProxy(("127.0.0.1", 9)) as proxy:
        proxy.refuse()

        with pytest.raises(ConnectionError):
            await PostgresStorage(f"postgresql://u@{proxy.host}:{proxy.port}/d").connect()

    assert told(caplog) == []
