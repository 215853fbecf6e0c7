"""The pooled mode when callers give up, at any moment."""

from __future__ import annotations

import asyncio
import random

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.testing import every_cancellation

from ...servers.server import RedisServer
from ...servers.waiting import until


def pooled(server: RedisServer, connections: int) -> RedisCache:
    """Return a cache in the pooled mode."""
    return RedisCache(server.url, mode="pooled", max_connections=connections)


async def test_no_foreign_reply_in_a_storm(private_valkey: RedisServer) -> None:
    """Of thousands of cancelled calls none is lost, and no other call gets its answer."""
    async with pooled(private_valkey, 4) as cache:
        await cache.set_many({f"key{n}": f"value{n}" for n in range(100)})
        seed = random.SystemRandom().getrandbits(32)
        chance = random.Random(seed)
        foreign = 0

        async def call(number: int) -> None:
            nonlocal foreign
            foreign += await cache.get(f"key{number}") != f"value{number}"

        for _ in range(100):
            tasks = [asyncio.ensure_future(call(chance.randrange(100))) for _ in range(20)]

            for task in chance.sample(tasks, 10):
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)

                task.cancel()

            async with asyncio.timeout(5):
                await asyncio.gather(*tasks, return_exceptions=True)

        assert foreign == 0, f"seed {seed}"
        await asyncio.gather(*(call(n) for n in range(100)))
        assert foreign == 0, f"seed {seed}"

        with private_valkey.counters() as counters:
            await until(lambda: counters.read().open <= 4)


@pytest.mark.parametrize("name", ["connect", "get", "set", "get_many", "scan_keys"])
async def test_at_every_await(private_valkey: RedisServer, name: str) -> None:
    """The cancellation comes out, and the pool of one connection goes on."""
    cache = pooled(private_valkey, 1)

    async def operation() -> None:
        calls = {
            "connect": cache.connect,
            "get": lambda: cache.get("key"),
            "set": lambda: cache.set("key", "value"),
            "get_many": lambda: cache.get_many(["key", "other"]),
            "scan_keys": lambda: cache.scan_keys("*"),
        }
        await calls[name]()

    async def works(_outcome: object) -> None:
        await cache.connect()
        await cache.set("own", "value", 60)
        assert await cache.get("own") == "value"

        if name == "connect":
            await cache.disconnect()

    if name != "connect":
        await cache.connect()

    outcomes = await every_cancellation(operation, after=works)
    await cache.disconnect()
    assert any(outcome.reached for outcome in outcomes)
    assert not any(outcome.swallowed for outcome in outcomes)


async def test_at_every_await_of_a_reconnect(private_valkey: RedisServer) -> None:
    """Also while a lost connection is made anew."""
    cache = pooled(private_valkey, 1)
    await cache.connect()

    async with private_valkey.client() as client:

        async def lose() -> None:
            await client.client_kill_filter(_type="normal", skipme=True)

        async def works(_outcome: object) -> None:
            assert await cache.get("key") is None
            await lose()

        await lose()
        outcomes = await every_cancellation(lambda: cache.get("key"), after=works)

    await cache.disconnect()
    assert sum(outcome.reached for outcome in outcomes) > 4
    assert not any(outcome.swallowed for outcome in outcomes)
