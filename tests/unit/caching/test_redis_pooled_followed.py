"""The pooled mode on a Cluster and behind sentinels, while primaries change."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
from redis.crc import key_slot
from redis.exceptions import ResponseError

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ConfigurationError, ConnectionError, TimeoutError

from ...servers.cluster import RedisCluster
from ...servers.sentinel import RedisSentinel
from ...servers.server import RedisServer
from ...servers.waiting import until

pytestmark = pytest.mark.slow

_FOLLOWED = 5.0
"""Seconds after a failover within which calls must reach the new primary."""


async def working(cache: RedisCache, key: str) -> float:
    """Return the seconds until a write and its read succeed; what fails must be an outage."""
    begun = monotonic()

    async with asyncio.timeout(15):
        while True:
            try:
                await cache.set(key, begun)
                assert await cache.get(key) == begun
            except (ConnectionError, TimeoutError):
                continue

            return monotonic() - begun


class TestCluster:
    """Each primary has a pool."""

    async def test_a_moving_slot_is_followed(self, private_cluster: RedisCluster) -> None:
        """While its keys are on their way (ASK), and when it has a new owner (MOVED)."""
        source = private_cluster.primary_of("{tag}")
        target = next(one for one in private_cluster.primaries() if one is not source)
        slot = key_slot(b"tag")
        keys = [f"{{tag}}{n}" for n in range(20)]

        async with RedisCache(private_cluster.url, mode="pooled", max_connections=3) as cache:
            await cache.set_many(dict.fromkeys(keys, "old"))
            await _begin_move(slot, source, target, keys[:10])
            assert await cache.get_many(keys) == dict.fromkeys(keys, "old")
            # These are two commands each: the lease of the key goes too.
            await cache.set("{tag}new", "value", 60)
            assert await cache.ttl("{tag}new") in (59, 60)
            assert await cache.delete(keys[0])
            await cache.set_many({keys[0]: "old"}, 60)

            await _end_move(slot, source, target, keys[10:])
            assert await cache.get_many(keys) == dict.fromkeys(keys, "old")
            assert await cache.delete_many(keys) == 20
            assert await cache.scan_keys("*") == ["{tag}new"]

    @pytest.mark.parametrize("how", ["kill", "freeze"])
    async def test_a_failover_is_followed(self, private_cluster: RedisCluster, how: str) -> None:
        """Calls reach the new primary, and those that hung on the old one end."""
        old = private_cluster.primary_of("key")

        async with RedisCache(private_cluster.url, mode="pooled") as cache:
            await cache.set("key", "old")
            getattr(old.process, how)()
            reading = asyncio.ensure_future(cache.get("key"))
            await until(lambda: private_cluster.primary_of("key") is not old, within=30)
            assert await working(cache, "key") < _FOLLOWED
            await asyncio.gather(reading, return_exceptions=True)
            assert await cache.scan_keys("*") == ["key"]

    async def test_a_failover_begins_a_scan_again(self, private_cluster: RedisCluster) -> None:
        """The primary that is scanned goes away: its keys are elsewhere then."""
        keys = {f"{{tag}}{n}": n for n in range(3000)}
        old = private_cluster.primary_of("{tag}")

        # A failover takes seconds; where not all can vote it is tried again, after 4 s or 10 s.
        async with RedisCache(private_cluster.url, mode="pooled", deadline=30) as cache:
            await cache.set_many(keys)
            await private_cluster.settle()

            def take(page: list[bytes]) -> None:
                if page:
                    old.process.kill()

            assert not await cache._calls.mode.scan(b"*", take)
            assert set(await cache.scan_keys("*")) == set(keys)

    async def test_a_slot_without_a_node_is_told(self, private_cluster: RedisCluster) -> None:
        """A batch names the keys for which the Cluster has nobody."""
        slot = key_slot(b"key")
        await _abandon(slot, private_cluster)

        async with RedisCache(private_cluster.url, mode="pooled") as cache:
            with pytest.raises(ConnectionError, match=f"slot {slot}") as caught:
                await cache.get_many(["key"])

            assert caught.value.failed_keys == ("key",)
            assert caught.value.operation == "get_many"


async def _abandon(slot: int, cluster: RedisCluster) -> None:
    """Take a slot from its owner, until nobody tells another any more that it is the owner."""
    quiet = 0

    async with asyncio.timeout(15):
        # The news of an owner who is none any more may be under way, and is not taken back.
        while quiet < 3:
            known = [await _forgets(node, slot) for node in cluster.nodes]
            quiet = 0 if any(known) else quiet + 1
            await asyncio.sleep(0.1)


async def _forgets(node: RedisServer, slot: int) -> bool:
    """Return whether a node knew an owner of the slot; it knows none then."""
    async with node.client() as client:
        try:
            await client.execute_command("CLUSTER", "DELSLOTS", slot)
        except ResponseError as exc:
            if "already unassigned" not in str(exc):
                raise

            return False

    return True


class TestSentinel:
    """The primary that the sentinels name has a pool."""

    @pytest.mark.parametrize("how", ["kill", "freeze"])
    async def test_a_failover_is_followed(self, private_sentinel: RedisSentinel, how: str) -> None:
        """Writes go to the new primary; a demoted one that comes back acknowledges none."""
        old = private_sentinel.primary()

        async with RedisCache(private_sentinel.url, mode="pooled") as cache:
            await cache.set("key", "old")
            getattr(old.process, how)()
            reading = asyncio.ensure_future(cache.get("key"))
            new = await private_sentinel.failed_over(old, within=20)
            assert await working(cache, "key") < _FOLLOWED
            await asyncio.gather(reading, return_exceptions=True)

            if how == "freeze":
                old.process.thaw()
            else:
                await old.start()

            for number in range(50):
                await cache.set(f"after{number}", number)

            async with new.client() as client:
                assert await client.exists(*(f"after{n}" for n in range(50))) == 50

    async def test_an_unknown_service_is_told(self, valkey_sentinel: RedisSentinel) -> None:
        """It is a wrong URL."""
        url = valkey_sentinel.url.replace(valkey_sentinel.service, "nobody")

        with pytest.raises(ConfigurationError, match="nobody"):
            await RedisCache(url, mode="pooled").connect()


async def _begin_move(slot: int, source: RedisServer, target: RedisServer, keys: list[str]) -> None:
    """Let a slot leave ``source``, and move some of its keys."""
    async with source.client() as leaving, target.client() as arriving:
        names = [await one.execute_command("CLUSTER", "MYID") for one in (leaving, arriving)]
        await arriving.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[0])
        await leaving.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[1])
        await leaving.migrate(target.host, target.port, keys, 0, 5000)


async def _end_move(slot: int, source: RedisServer, target: RedisServer, keys: list[str]) -> None:
    """Move the rest, and let the slot belong to ``target``."""
    async with source.client() as leaving, target.client() as arriving:
        await leaving.migrate(target.host, target.port, keys, 0, 5000)
        name = await arriving.execute_command("CLUSTER", "MYID")

        for one in (arriving, leaving):
            await one.execute_command("CLUSTER", "SETSLOT", slot, "NODE", name)
