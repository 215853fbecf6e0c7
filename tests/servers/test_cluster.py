"""A Cluster of our own is whole, and stays so when a node is lost."""

from __future__ import annotations

import pytest
import redis.asyncio

from . import debian_redis as debian
from .cluster import RedisCluster
from .waiting import until

pytestmark = pytest.mark.slow


async def test_it_is_whole(valkey_cluster: RedisCluster) -> None:
    """Three primaries with a replica each; every node finds all slots served."""
    assert len(valkey_cluster.primaries()) == len(valkey_cluster.replicas()) == 3

    for node in valkey_cluster.nodes:
        with node.control() as control:
            info = control.cluster("info")

        assert (info["cluster_state"], info["cluster_slots_ok"]) == ("ok", "16384")


async def test_keys_are_where_it_says(valkey_cluster: RedisCluster) -> None:
    """Its own answer, and that of a client which knows clusters, agree; all primaries have some."""
    node = valkey_cluster.nodes[0]

    async with redis.asyncio.RedisCluster(host=node.host, port=node.port) as client:
        for number in range(30):
            await client.set(f"servers:{number}", number, ex=60)

    owners = {number: valkey_cluster.primary_of(f"servers:{number}") for number in range(30)}

    for number, owner in owners.items():
        async with owner.client() as client:
            assert await client.get(f"servers:{number}") == str(number)

    assert len(set(owners.values())) == 3


async def test_a_replica_takes_over(private_cluster: RedisCluster) -> None:
    """A primary is frozen: another serves its keys, and it follows later."""
    lost = private_cluster.primary_of("a")
    others = [node for node in private_cluster.primaries() if node is not lost]
    lost.process.freeze()
    # One of the two others that has not missed it yet gives no vote, and the next is after 4 s.
    await until(lambda: len(private_cluster.primaries()) == 3, within=15)
    await private_cluster.settle(within=15)
    [new] = [node for node in private_cluster.primaries() if node not in others]
    assert new is not lost

    with new.control() as control:
        assert control.set("a", 1)

    assert private_cluster.primary_of("a") is new
    lost.process.thaw()
    await until(lambda: lost in private_cluster.replicas())


async def test_debian_redis_makes_one_too() -> None:
    """With a password, and gone with its block."""
    async with RedisCluster(debian.program(), password="secret") as cluster:
        assert len(cluster.primaries()) == len(cluster.replicas()) == 3
        assert cluster.url.startswith("redis+cluster://:secret@127.0.0.1:")
        assert cluster.url.count("127.0.0.1:") == 6
        assert "secret" not in repr(cluster)

    assert not any(node.process.is_running for node in cluster.nodes)
