"""What the fault tests share: a cache in each mode, a proxy between it and its server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy
from infrastructure.testing.redis import RedisCounters

from ...servers.server import RedisServer
from .._timing import connected
from .._watch import nothing_left
from ._caches import Make, make_cache

MODES = ("multiplexed", "pooled")
"""The modes that every test of this folder runs in."""


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """Return the mode of the test's caches."""
    name: str = request.param
    return name


@pytest.fixture
def either_mode(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every cache of the test, that names no mode, in each."""
    defaults = RedisCache.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "mode", mode)


@pytest.fixture
def make(mode: str) -> Make:
    """Return what makes an unconnected cache, of the server or the proxy that it is given."""
    return partial(make_cache, mode=mode)


@pytest.fixture
def connections(mode: str) -> int:
    """Return how many connections such a cache may have for small values."""
    return 1 if mode == "multiplexed" else 10


@pytest.fixture
async def private_valkey(private_valkey: RedisServer) -> AsyncIterator[RedisServer]:
    """Give the test's own server, which is killed: to ask it to end takes a tenth of a second."""
    yield private_valkey
    private_valkey.process.kill()


@pytest.fixture
async def proxy(private_valkey: RedisServer) -> AsyncIterator[ChaosProxy]:
    """Give a proxy before a server of the test's own."""
    async with ChaosProxy((private_valkey.host, private_valkey.port)) as proxy:
        yield proxy


@pytest.fixture
async def cache(make: Make, proxy: ChaosProxy) -> AsyncIterator[RedisCache]:
    """Give a connected cache behind the proxy; it leaves no task, no file and no complaint."""
    async with nothing_left():
        async with connected(make(proxy)) as cache:
            yield cache

        # A black hole holds what the client has closed.
        proxy.heal()


@pytest.fixture
def counters(private_valkey: RedisServer) -> Iterator[RedisCounters]:
    """Give what the server counts; of no use after a restart."""
    with private_valkey.counters() as counters:
        yield counters
