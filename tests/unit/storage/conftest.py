"""What tests of PostgresStorage are given; who needs another storage makes his own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .postgres_shared import alter

TABLE = "CREATE TABLE t (id int PRIMARY KEY)"


@pytest.fixture
async def proxy(postgres_database: PostgresEndpoint) -> AsyncIterator[ChaosProxy]:
    """Give a proxy before the server."""
    async with ChaosProxy((postgres_database.host, postgres_database.port)) as proxy:
        yield proxy


@pytest.fixture
async def storage(postgres_database: PostgresEndpoint) -> AsyncIterator[PostgresStorage]:
    """A storage with an empty table."""
    alter(postgres_database, TABLE)

    async with PostgresStorage(postgres_database.url, deadline=5) as opened:
        yield opened


@pytest.fixture
async def behind(
    postgres_database: PostgresEndpoint, proxy: ChaosProxy
) -> AsyncIterator[PostgresStorage]:
    """A storage with an empty table, behind the proxy."""
    alter(postgres_database, TABLE)
    url = postgres_database.moved(proxy.host, proxy.port)

    async with PostgresStorage(url, deadline=5) as opened:
        yield opened
