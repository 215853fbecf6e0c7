"""The near cache serves what the server has: changes from anywhere are seen, at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from infrastructure.caching.memory import MemoryCache
from infrastructure.caching.redis import NearStats, RedisCache

from ...servers.cluster import RedisCluster
from ...servers.endpoint import Endpoint
from ...servers.sentinel import RedisSentinel
from ...servers.server import RedisServer
from ...servers.waiting import until
from ._through import fresh


@asynccontextmanager
async def near(
    server: Endpoint | RedisCluster | RedisSentinel, **options: Any
) -> AsyncIterator[tuple[RedisCache, RedisCache]]:
    """Give a cache with a near one that may serve already, and a plain one on the same keys."""
    prefix = fresh()
    options = options or {"near_entries": 100}

    async with (
        RedisCache(server.url, prefix=prefix, **options) as cache,
        RedisCache(server.url, prefix=prefix) as other,
    ):
        await until(lambda: cache._near.until > 0)
        yield cache, other


async def served(cache: RedisCache, key: str) -> Any:
    """Return the value that is served without the server."""
    before = cache.near_stats.hits
    value = await cache.get(key)
    assert cache.near_stats.hits == before + 1, "the server was asked"
    return value


async def gone(cache: RedisCache, key: str) -> None:
    """Return when the near value has been dropped."""
    await until(lambda: cache._near.valid(key) is None, 2)


async def test_a_value_is_read_once(valkey: Endpoint) -> None:
    """From the second time on no command is sent; the counters tell."""
    async with near(valkey) as (cache, other):
        await other.set("k", [1])
        assert await cache.get("k") == [1]

        with valkey.counters() as counters:
            before = counters.read()
            assert [await cache.get("k") for _ in range(50)] == [[1]] * 50
            assert (counters.read() - before).commands["get"] == 0

        assert cache.near_stats == NearStats(entries=1, hits=50, drops=0, flushes=0)
        assert other.near_stats == NearStats()


async def test_values_are_copies(valkey: Endpoint) -> None:
    """Who changes what he got changes nobody else's."""
    async with near(valkey) as (cache, _):
        await cache.set("k", [1])

        for _ in range(3):
            value = await cache.get("k")
            assert value == [1]
            value.append(2)


CHANGES: dict[str, Any] = {
    "set": (lambda other: other.set("k", "new"), "new"),
    "set with a ttl": (lambda other: other.set("k", "new", 60), "new"),
    "set_many": (lambda other: other.set_many({"k": "new"}), "new"),
    "large": (lambda other: other.set("k", "n" * 100_000), "n" * 100_000),
    "delete": (lambda other: other.delete("k"), None),
    "delete_many": (lambda other: other.delete_many(["k"]), None),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_what_another_client_changes(valkey: Endpoint, name: str) -> None:
    """It is dropped, and read anew."""
    change, expected = CHANGES[name]

    async with near(valkey) as (cache, other):
        await cache.set("k", "old")
        await cache.get("k")
        assert await served(cache, "k") == "old"
        await change(other)
        await gone(cache, "k")
        assert await cache.get("k") == expected
        assert cache.near_stats.drops == 1


@pytest.mark.parametrize("name", CHANGES)
async def test_what_this_client_changes(valkey: Endpoint, name: str) -> None:
    """The read after its own write gives the new value, always."""
    change, expected = CHANGES[name]

    async with near(valkey) as (cache, _):
        await cache.set("k", "old")

        for _ in range(3):
            await cache.set("k", "old")
            assert await cache.get("k") == "old"
            assert await served(cache, "k") == "old"
            await change(cache)
            assert await cache.get("k") == expected


async def test_a_flush_of_the_server(private_valkey: RedisServer) -> None:
    """FLUSHALL by somebody drops everything."""
    async with near(private_valkey) as (cache, _):
        await cache.set_many({"a": 1, "b": 2})
        assert [await cache.get(key) for key in "ab"] == [1, 2]
        assert cache.near_stats.entries == 2

        async with private_valkey.client() as raw:
            await raw.flushall()

        await until(lambda: cache.near_stats.entries == 0, 2)
        assert [await cache.get(key) for key in "ab"] == [None, None]
        assert cache.near_stats.flushes == 1


async def test_a_foreign_command(valkey: Endpoint) -> None:
    """Whatever writes to the key: its type may be another one, its name too."""
    async with near(valkey) as (cache, _), valkey.client() as raw:
        name = cache._prefix + "k"

        for command in (("RENAME", name, name + "2"), ("EXPIRE", name, "60"), ("UNLINK", name)):
            await cache.set("k", 1)
            await cache.get("k")
            assert await served(cache, "k") == 1
            await raw.execute_command(*command)
            await gone(cache, "k")


async def test_a_value_dies_with_its_ttl(valkey: Endpoint) -> None:
    """By the clock here, counted from before the reading: never later than on the server."""
    async with near(valkey) as (cache, _), valkey.client() as raw:
        name = cache._prefix + "k"
        await cache.set("k", "short")
        await raw.pexpire(name, 300)
        asked = time.monotonic()
        assert await cache.get("k") == "short"
        assert await served(cache, "k") == "short"
        kept = cache._near.valid("k")
        assert kept.expires <= asked + 0.31
        # The report of the server would do it too, a moment later.
        cache._near.changed = lambda _names: None
        await until(lambda: time.monotonic() > kept.expires)
        hits = cache.near_stats.hits
        assert await cache.get("k") is None
        assert cache.near_stats.hits == hits


@pytest.mark.parametrize("key", ["k" * 70, "س" * 2000, "k" * 30_000, "k" * 65_536])
async def test_long_names(valkey: Endpoint, key: str) -> None:
    """They are right, kept near or not."""
    async with near(valkey) as (cache, other):
        await cache.set(key, 1)
        assert [await cache.get(key) for _ in range(3)] == [1, 1, 1]
        await other.set(key, 2)
        await gone(cache, key)
        assert await cache.get(key) == 2
        await cache.delete(key)


async def test_large_values(valkey: Endpoint) -> None:
    """They ride another connection, and changes of them are seen all the same."""
    async with near(valkey) as (cache, other):
        for number in range(3):
            await other.set("k", bytes([number]) * 300_000)
            await gone(cache, "k")
            assert await cache.get("k") == bytes([number]) * 300_000
            assert await served(cache, "k") == bytes([number]) * 300_000


async def test_a_cache_of_ones_own(valkey: Endpoint) -> None:
    """`near=` takes any cache; one that is shared by name serves each of its caches rightly."""
    name = f"memory://{fresh().rstrip(':')}"

    async with (
        near(valkey, near=MemoryCache(name)) as (one, other),
        RedisCache(valkey.url, prefix=one._prefix, near=MemoryCache(name)) as two,
    ):
        await until(lambda: two._near.until > 0)
        await other.set("k", 1)

        for cache in (one, two):
            assert await cache.get("k") == 1
            assert await served(cache, "k") == 1

        await one.set("k", 2)
        assert await one.get("k") == 2
        await gone(two, "k")
        assert await two.get("k") == 2


async def test_no_more_than_its_entries(valkey: Endpoint) -> None:
    """The bound holds, and what was displaced is read again."""
    async with near(valkey, near_entries=10) as (cache, _):
        await cache.set_many({f"{number}": number for number in range(100)})
        assert [await cache.get(f"{number}") for number in range(100)] == [*range(100)]
        assert cache.near_stats.entries <= 10
        assert [await cache.get(f"{number}") for number in range(100)] == [*range(100)]


async def test_get_or_set_uses_it(valkey: Endpoint) -> None:
    """A value that is near is returned without a command; one that is made is kept when read."""
    calls = 0

    async def make() -> list[int]:
        nonlocal calls
        calls += 1
        return [calls]

    async with near(valkey) as (cache, other):
        assert [await cache.get_or_set("k", make) for _ in range(5)] == [[1]] * 5
        assert cache.near_stats.hits >= 3
        await other.delete("k")
        await gone(cache, "k")
        assert await cache.get_or_set("k", make) == [2]
        await cache.set("k", [0])
        assert await cache.get_or_set("k", make) == [0]


@pytest.mark.slow
async def test_on_a_cluster(valkey_cluster: RedisCluster) -> None:
    """Each node reports what was read there."""
    keys = [f"k{number}" for number in range(60)]

    async with near(valkey_cluster) as (cache, other):
        await other.set_many(dict.fromkeys(keys, "old"))
        assert [await cache.get(key) for key in keys] == ["old"] * 60
        assert [await served(cache, key) for key in keys] == ["old"] * 60
        await other.set_many(dict.fromkeys(keys, "new"))
        await asyncio.gather(*(gone(cache, key) for key in keys))
        assert [await cache.get(key) for key in keys] == ["new"] * 60
        await other.delete_many(keys)
