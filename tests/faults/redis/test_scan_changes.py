"""C7: a scan during which the servers change begins again, three times at most, and finds all keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.crc import key_slot

from infrastructure.caching.redis import RedisCache
from infrastructure.caching.redis._scan import NodeScan
from infrastructure.interfaces.exceptions import ConnectionError
from infrastructure.testing import ChaosProxy

from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.waiting import until
from ._resharding import Move, moving
from ._through import fresh, through

pytestmark = pytest.mark.usefixtures("either_mode")

KEYS = {f"key:{number:05}" for number in range(5000)}
PAGE = 10_000
"""Bytes after which some pages were read, and some were not."""


async def after_some_pages(proxy: ChaosProxy) -> None:
    """Return when a scan that begins now has come some way."""
    mark = proxy.bytes_to_client + PAGE

    while proxy.bytes_to_client < mark:  # noqa: ASYNC110 - each turn counts
        await asyncio.sleep(0)


async def test_a_link_that_breaks_during_a_scan(valkey: Endpoint) -> None:
    """The next one may be to a server for which the cursor means nothing: it begins again."""
    async with through(valkey) as (cache, proxy):
        await cache.set_many(dict.fromkeys(KEYS, 1), 60)
        scan = asyncio.create_task(cache.scan_keys("key:*"))
        await after_some_pages(proxy)
        assert not scan.done()
        proxy.reset()
        found = await scan
        assert len(found) == len(KEYS)
        assert set(found) == KEYS
        assert proxy.accepted == 2


async def test_a_link_that_breaks_again_and_again(valkey: Endpoint) -> None:
    """After three restarts it gives up, says why, and that nothing happened."""
    async with through(valkey) as (cache, proxy):
        await cache.set_many(dict.fromkeys(KEYS, 1), 60)
        scan = asyncio.create_task(cache.scan_keys("key:*"))
        breaks = 0

        while not scan.done():
            breaking = asyncio.create_task(after_some_pages(proxy))
            await asyncio.wait({scan, breaking}, return_when=asyncio.FIRST_COMPLETED)

            if breaking.done():
                proxy.reset()
                breaks += 1

            breaking.cancel()

        with pytest.raises(ConnectionError, match="4 times") as caught:
            await scan

        assert (caught.value.outcome, caught.value.retryable) == ("not_applied", True)
        assert breaks >= 4
        # Not broken any more.
        assert set(await cache.scan_keys("key:*")) == KEYS


@pytest.mark.slow
async def test_a_scan_during_a_planned_switch(valkey_cluster: RedisCluster) -> None:
    """Scans while a replica takes over find every key, or say that they could not."""
    async with RedisCache(valkey_cluster.url, prefix=fresh()) as cache:
        await cache.set_many(dict.fromkeys(KEYS, 1), 60)
        replica = valkey_cluster.replicas()[0]
        switching = asyncio.create_task(_switch(valkey_cluster, replica))
        scans = 0

        while not switching.done() or not scans:
            found = await cache.scan_keys("key:*")
            assert (len(found), set(found)) == (len(KEYS), KEYS)
            scans += 1

        await switching
        assert set(await cache.scan_keys("key:*")) == KEYS


async def _switch(cluster: RedisCluster, replica: Endpoint) -> None:
    async with replica.client() as raw:
        await raw.execute_command("CLUSTER", "FAILOVER")

    async def switched() -> None:
        # At first all see a cluster that is whole, the one from before.
        await until(lambda: replica in cluster.primaries())
        await cluster.settle()

    await asyncio.to_thread(lambda: asyncio.run(switched()))


@pytest.mark.slow
async def test_a_scan_while_a_slot_moves(valkey_cluster: RedisCluster) -> None:
    """Keys on their way between two nodes are found once, with those that stay."""
    prefix = f"{{{fresh()}}}"
    keys = {f"key:{number}" for number in range(200)}

    async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
        await cache.set_many(dict.fromkeys(keys, 1), 60)

        async with moving(valkey_cluster, prefix) as move:
            await move.begin()
            names = sorted(prefix + key for key in keys)
            await move.migrate(*names[:100])
            found = await cache.scan_keys("*")
            assert sorted(found) == sorted(keys)
            await move.end()
            assert sorted(await cache.scan_keys("*")) == sorted(keys)


async def from_the_last_to_the_first(cluster: RedisCluster) -> tuple[str, int, Move]:
    """Return a prefix whose slot may move so, in the order of a scan, and how many are asked."""
    async with RedisCache(cluster.url) as cache:
        ports = [node.address[1] for node in cache._calls.mode._topology.nodes]

    by_port = {node.port: node for node in cluster.primaries()}
    source, target = by_port[ports[-1]], by_port[ports[0]]

    while cluster.primary_of(prefix := f"{{{fresh()}}}").port != source.port:
        pass

    return prefix, len(ports), Move(cluster, key_slot(prefix.encode()), source, target)


@pytest.mark.slow
@pytest.mark.parametrize("all_of_it", [True, False])
async def test_a_slot_that_moves_to_a_node_that_was_asked_already(
    valkey_cluster: RedisCluster, monkeypatch: pytest.MonkeyPatch, all_of_it: bool
) -> None:
    """Its keys are on none of the nodes when that one is asked; they live all the time, and are found."""
    asked, one = 0, NodeScan._one
    keys = {f"key:{number}" for number in range(50)}
    prefix, nodes, move = await from_the_last_to_the_first(valkey_cluster)

    async def moved_behind_the_first(*args: Any) -> bool:
        nonlocal asked
        done = await one(*args)
        asked += 1

        if asked == 1 and all_of_it:
            await move.begin()
            await move.end()
        elif asked == 1:
            await move.migrate()

        return done

    async with RedisCache(valkey_cluster.url, prefix=prefix) as cache:
        await cache.set_many(dict.fromkeys(keys, 1), 60)

        if not all_of_it:
            await move.begin()

        try:
            monkeypatch.setattr(NodeScan, "_one", moved_behind_the_first)
            found = await cache.scan_keys("*")
        finally:
            await move.end()
            await move.back().begin()
            await move.back().end()

        assert sorted(found) == sorted(keys)
        assert asked > nodes
