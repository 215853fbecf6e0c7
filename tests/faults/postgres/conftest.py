"""What the fault tests share: a storage in each mode, a proxy between it and its server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from infrastructure.storage.postgres import PostgresStorage
from infrastructure.testing import ChaosProxy

from ...servers.postgres_endpoint import PostgresEndpoint
from .._timing import connected
from .._watch import nothing_left
from ._storages import DEADLINE, Make, at, make_table

MODES = ("pipelined", "pooled")
"""The modes that every test of this folder runs in: short statements on shared connections, or not."""


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Return the mode of the test's storages."""
    name: str = request.param
    return name


@pytest.fixture
def database(postgres: PostgresEndpoint) -> Iterator[PostgresEndpoint]:
    """Give an empty database of the test's own, where nobody waits for the disk."""
    with postgres.database() as database:
        with database.control() as control:
            control.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = off")

        yield database


def _make(
    database: PostgresEndpoint, mode: str, place: object = None, **options: object
) -> PostgresStorage:
    url = database.url if place is None else at(database, place)
    given = {"deadline": DEADLINE, "pipelining": mode == "pipelined", "hypertables": "index"}
    return PostgresStorage(url, **{**given, **options})


@pytest.fixture
def make(database: PostgresEndpoint, mode: str) -> Make:
    """Return what makes an unconnected storage of the test's database, perhaps behind a proxy."""
    return partial(_make, database, mode)


@pytest.fixture
async def proxy(database: PostgresEndpoint) -> AsyncIterator[ChaosProxy]:
    """Give a proxy before the server."""
    async with ChaosProxy((database.host, database.port)) as proxy:
        yield proxy


@pytest.fixture
async def storage(make: Make, proxy: ChaosProxy) -> AsyncIterator[PostgresStorage]:
    """Give a connected storage behind the proxy, with its table; it leaves nothing behind."""
    async with nothing_left():
        async with connected(make(proxy)) as storage:
            await make_table(storage)
            yield storage

        # A black hole holds what the client has closed.
        proxy.heal()
