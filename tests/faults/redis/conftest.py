"""What the fault tests share: a cache in each mode, a proxy between it and its server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._watch import nothing_left
from ._caches import Make, make_cache

MODES = ("multiplexed",)
"""The modes that every test of this folder runs in."""


@pytest.fixture(params=MODES)
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes an unconnected cache, of the server or the proxy that it is given."""
    return partial(make_cache, mode=request.param)


@pytest.fixture
async def proxy(private_valkey: RedisServer) -> AsyncIterator[ChaosProxy]:
    """Give a proxy before a server of the test's own."""
    async with ChaosProxy((private_valkey.host, private_valkey.port)) as proxy:
        yield proxy


@pytest.fixture
async def cache(make: Make, proxy: ChaosProxy) -> AsyncIterator[RedisCache]:
    """Give a connected cache behind the proxy; it leaves no task, no file and no complaint."""
    async with nothing_left(), make(proxy) as cache:
        yield cache


@pytest.fixture
def counters(private_valkey: RedisServer) -> Iterator[Counters]:
    """Give what the server counts; of no use after a restart."""
    with private_valkey.counters() as counters:
        yield counters
