"""The near cache when a link is slow, silent, frozen or lost: nothing stale is served or kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infrastructure import deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import InfrastructureError, TimeoutError
from infrastructure.testing import ChaosProxy

from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.server import RedisServer
from ...servers.waiting import until
from .._timing import PATIENT, connected, healed
from ._through import fresh, through
from .test_near_changes import served

FRESH = 1.0


@asynccontextmanager
async def serving(
    server: Endpoint, seconds: float = 0.3
) -> AsyncIterator[tuple[RedisCache, ChaosProxy, RedisCache]]:
    """Give a cache that serves `k` near, its proxy, and another cache on the same keys."""
    prefix = fresh()

    async with (
        through(server, prefix=prefix, near_entries=10, deadline=seconds) as (cache, proxy),
        RedisCache(server.url, prefix=prefix) as other,
    ):
        await until(lambda: cache._near.until > 0)

        with deadline(PATIENT):
            await cache.set("k", "old")
            await cache.get("k")

        assert await served(cache, "k") == "old"
        yield cache, proxy, other


async def last_hit(cache: RedisCache) -> float:
    """Read until the server would have to be asked; return the instant of the last hit."""
    last = time.monotonic()

    while True:
        before = time.monotonic()
        hits = cache.near_stats.hits

        try:
            await cache.get("k")
        except InfrastructureError:
            return last

        assert cache.near_stats.hits > hits, "the server answered"
        last = before
        await asyncio.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["both", "to_client", "to_server"])
async def test_a_link_that_is_silent(valkey: Endpoint, direction: str) -> None:
    """Hits end a second after the last answer; all is dropped, and after healing it serves anew."""
    async with serving(valkey) as (cache, proxy, other):
        proxy.black_hole(direction)
        silent = time.monotonic()

        # Where only our questions are lost, this would be reported.
        if direction != "to_server":
            await other.set("k", "new")

        assert await last_hit(cache) < silent + FRESH
        await until(lambda: cache.near_stats.flushes >= 1, 2)
        assert cache.near_stats.entries == 0
        proxy.heal()
        value = await other.get("k")

        with healed():
            assert await cache.get("k") == value

        await _serves(cache, value)


async def _serves(cache: RedisCache, value: str) -> None:
    hits = cache.near_stats.hits

    with deadline(2):
        while cache.near_stats.hits == hits:
            assert await cache.get("k") == value
            await asyncio.sleep(0.005)


@pytest.mark.slow
async def test_a_frozen_server(private_valkey: RedisServer) -> None:
    """The same: its kernel acknowledges, but nothing is answered."""
    async with serving(private_valkey) as (cache, _, _other):
        private_valkey.process.freeze()
        frozen = time.monotonic()
        assert await last_hit(cache) < frozen + FRESH
        private_valkey.process.thaw()

        with healed():
            assert await cache.get("k") == "old"

        await _serves(cache, "old")


@pytest.mark.slow
async def test_an_own_write_without_an_answer(valkey: Endpoint) -> None:
    """Neither it nor its report is heard of: what was near before is not served all the same."""
    async with serving(valkey, 0.2) as (cache, proxy, _other):
        proxy.black_hole("to_client")
        hits = cache.near_stats.hits

        for call in (cache.set("k", "new"), cache.get("k")):
            with pytest.raises(TimeoutError):
                await call

        assert cache.near_stats.hits == hits
        proxy.heal()

        with healed():
            assert await cache.get("k") == "new"


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_link_that_breaks(valkey: Endpoint, how: str) -> None:
    """What it would have reported is not known: everything is dropped at once."""
    async with serving(valkey, 5) as (cache, proxy, other):
        await other.set("elsewhere", 1)
        getattr(proxy, how)()
        # Long before the last answer is too old.
        await until(lambda: cache.near_stats.flushes == 1, 0.4)
        await other.set("k", "new")
        assert await cache.get("k") == "new"
        await _serves(cache, "new")


async def test_a_change_between_reading_and_keeping(valkey: Endpoint) -> None:
    """The value that was read may be returned; its report, which is behind it, ends that at once."""
    async with serving(valkey, 5) as (cache, proxy, other):
        await other.set("k", "older")
        await until(lambda: cache.near_stats.entries == 0)
        proxy.black_hole("to_client")
        reading = asyncio.create_task(cache.get("k"))

        # The server has read it, and reports what comes next.
        async with valkey.client() as raw:
            await until(lambda: proxy.bytes_to_server > 0)
            await _asked(raw, proxy)

        await other.set("k", "new")
        proxy.heal()
        assert await reading in ("older", "new")

        # They may come in two pieces; what is served near gives no turn to who reads the second.
        async with asyncio.timeout(1):
            while await cache.get("k") != "new":  # noqa: ASYNC110 - a near value has no event
                await asyncio.sleep(0)

        assert await served(cache, "k") == "new"


async def _asked(raw: object, proxy: ChaosProxy) -> None:
    """Return when what was sent has reached the server: it forwards within a turn or two."""
    sent = -1

    while sent != proxy.bytes_to_server:
        sent = proxy.bytes_to_server
        await raw.ping()
        await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_readers_and_a_writer_over_a_slow_link(valkey: Endpoint, seed: int) -> None:
    """While replies are late, no value older than two seconds is ever returned."""
    async with serving(valkey, 5) as (cache, proxy, other):
        await other.set("n", 0)
        proxy.delay(0.002 * seed, "to_client")
        # Not counted is when this thread, which is all of them, has no core.
        watch = Stopwatch()
        written: dict[int, float] = {0: watch.taken}
        done = asyncio.Event()

        async def read() -> None:
            newest = 0

            while not done.is_set():
                asked = watch.taken
                value = await cache.get("n")
                # Never back in time for one reader, never older than what was there long ago.
                assert value >= newest, f"{value} after {newest}"
                newest = value
                following = written.get(value + 1)
                assert following is None or asked < following + 0.2, f"{value} was served late"
                await asyncio.sleep(0.0005)

        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(read())

            for number in range(1, 150):
                await other.set("n", number)
                written[number] = watch.taken
                await asyncio.sleep(0.003)

            done.set()

        proxy.delay(0)
        await asyncio.sleep(0.05)
        assert await cache.get("n") == 149


@pytest.mark.slow
async def test_a_node_that_is_silent(private_cluster: RedisCluster) -> None:
    """On a Cluster one frozen node ends the hits of all, until it is followed or thawed."""
    prefix = fresh()

    hurried = RedisCache(private_cluster.url, prefix=prefix, near_entries=10, deadline=0.3)

    async with connected(hurried) as cache:
        await until(lambda: cache._near.until > 0)

        with deadline(PATIENT):
            await cache.set("k", "v")
            await cache.get("k")

        assert await served(cache, "k") == "v"
        node = private_cluster.primary_of(prefix + "k")
        node.process.freeze()
        frozen = time.monotonic()
        assert await last_hit(cache) < frozen + FRESH
        node.process.thaw()
        await private_cluster.settle()
        await _serves(cache, "v")


@pytest.mark.slow
async def test_a_primary_that_steps_down(private_cluster: RedisCluster) -> None:
    """Its link does not break, but is left: what was read there is served no more."""
    prefix = fresh()

    async with (
        RedisCache(private_cluster.url, prefix=prefix, near_entries=10) as cache,
        RedisCache(private_cluster.url, prefix=prefix) as other,
    ):
        await until(lambda: cache._near.until > 0)
        await cache.set("k", "old")
        await cache.get("k")
        assert await served(cache, "k") == "old"
        before = private_cluster.primary_of(prefix + "k")
        after = private_cluster.nodes[private_cluster.nodes.index(before) + 3]

        async with after.client() as replica:
            await replica.execute_command("CLUSTER", "FAILOVER")

        await until(lambda: private_cluster.primary_of(prefix + "k") is after, 10)
        gone = (before.host, before.port)
        nodes = cache._calls.mode._topology
        await until(lambda: gone not in [node.address for node in nodes.nodes], 5)
        await other.set("k", "new")
        written = time.monotonic()

        while await cache.get("k") != "new":
            assert time.monotonic() < written + 2
            await asyncio.sleep(0.02)
