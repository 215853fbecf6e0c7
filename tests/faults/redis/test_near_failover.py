"""The near cache when another server becomes the primary while every connection stays open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from infrastructure.caching.redis import RedisCache

from ...servers.cluster import RedisCluster
from ...servers.sentinel import RedisSentinel
from ...servers.waiting import until
from .test_near_changes import near, served

FOLLOWED = 5.0


async def seen_after(
    switch: Callable[[str], Awaitable[None]], cache: RedisCache, other: RedisCache
) -> None:
    """Read near, switch, let the other write on the new primary: it must be seen here."""
    await other.set("k", "old")
    await cache.get("k")
    assert await served(cache, "k") == "old"
    before = _primaries(cache)
    await switch(cache._prefix + "k")
    await until(lambda: _primaries(cache) != before and _primaries(other) != before, FOLLOWED)
    await other.set("k", "new")
    # Who left the old primary hears no reports from there: nothing read there is served.
    assert await cache.get("k") == "new"
    assert cache.near_stats.flushes >= 1


def _primaries(cache: RedisCache) -> set[object]:
    return {node.address for node in cache._calls.mode._topology.nodes}


@pytest.mark.slow
async def test_a_planned_switch_of_a_cluster(valkey_cluster: RedisCluster) -> None:
    """The old primary lives on as a replica: what was read there is dropped when it is left."""

    async def switch(name: str) -> None:
        old = valkey_cluster.primary_of(name)

        async with old.client() as raw:
            replica = (await raw.info("replication"))["slave0"]

        node = next(node for node in valkey_cluster.nodes if node.port == replica["port"])

        async with node.client() as raw:
            await raw.execute_command("CLUSTER", "FAILOVER")

        await until(lambda: valkey_cluster.primary_of(name) is node)
        await valkey_cluster.settle()

    async with near(valkey_cluster) as (cache, other):
        await seen_after(switch, cache, other)


@pytest.mark.slow
async def test_a_planned_switch_of_sentinels(valkey_sentinel: RedisSentinel) -> None:
    """The same behind sentinels."""

    async def switch(_name: str) -> None:
        old = valkey_sentinel.primary()

        async with valkey_sentinel.sentinels[0].client() as raw:
            await raw.execute_command("SENTINEL", "FAILOVER", valkey_sentinel.service)

        await valkey_sentinel.failed_over(old)

    async with near(valkey_sentinel) as (cache, other):
        await seen_after(switch, cache, other)
