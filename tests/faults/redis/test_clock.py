"""F23: a wall clock that jumps changes nothing: time here is monotonic, a ttl is the server's."""

from __future__ import annotations

import asyncio
import time

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import TimeoutError

from ...servers.endpoint import Endpoint
from ._through import fresh, through


@pytest.fixture(params=[3600, -3600, 10**9])
def jump(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock of this process forward or back, from now on."""
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + request.param)
    monkeypatch.setattr(time, "time_ns", lambda: int((real() + request.param) * 10**9))


@pytest.mark.usefixtures("jump")
async def test_values_live_as_long_as_the_server_says(valkey: Endpoint) -> None:
    """They are there, near and far, and have the ttl that they were given."""
    async with RedisCache(valkey.url, prefix=fresh(), near_entries=10) as cache:
        await cache.set("k", 1, 100)
        await cache.set("forever", 2)

        for _ in range(3):
            assert await cache.get("k") == 1
            assert await cache.get("forever") == 2

        assert await cache.ttl("k") in (99, 100)
        assert await cache.ttl("forever") is None


@pytest.mark.usefixtures("jump")
async def test_a_lease_is_not_moved(valkey: Endpoint) -> None:
    """`get_or_set` waits for its holder in another cache, and takes over from none."""
    prefix, made = fresh(), 0

    async def make() -> int:
        nonlocal made
        made += 1
        await asyncio.sleep(0.02)
        return made

    async with (
        RedisCache(valkey.url, prefix=prefix) as one,
        RedisCache(valkey.url, prefix=prefix) as other,
    ):
        got = await asyncio.gather(*(each.get_or_set("k", make) for each in (one, other)))

    assert got == [1, 1]


async def test_a_jump_ends_no_call_and_delays_no_deadline(
    valkey: Endpoint, request: pytest.FixtureRequest
) -> None:
    """A call under way when the clock jumps ends when its deadline says."""
    async with through(valkey, deadline=0.3) as (cache, proxy):
        proxy.black_hole()
        watch = Stopwatch()
        call = asyncio.create_task(cache.get("k"))
        await asyncio.sleep(0)
        patch = pytest.MonkeyPatch()
        real = time.time
        patch.setattr(time, "time", lambda: real() - 3600)
        request.addfinalizer(patch.undo)

        with pytest.raises(TimeoutError):
            await call

        assert watch.passed > 0.29
        assert watch.taken < 0.55
        proxy.heal()
