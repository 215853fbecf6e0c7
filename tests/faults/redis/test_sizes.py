"""F19: what is too large is refused before a byte is sent; what is large holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import ValidationError
from infrastructure.testing import ChaosProxy

from ...servers.endpoint import Endpoint
from ._through import fresh, through

MAX_KEY = 64 * 1024
MAX_VALUE = 16 * 2**20
LARGE = b"x" * 100_000


async def made() -> int:
    """Return a value."""
    return 1


CALLS: dict[str, Callable[[RedisCache, str], Awaitable[Any]]] = {
    "get": lambda cache, key: cache.get(key),
    "set": lambda cache, key: cache.set(key, 1),
    "delete": lambda cache, key: cache.delete(key),
    "exists": lambda cache, key: cache.exists(key),
    "ttl": lambda cache, key: cache.ttl(key),
    "get_many": lambda cache, key: cache.get_many(["ok", key]),
    "set_many": lambda cache, key: cache.set_many({"ok": 1, key: 1}),
    "delete_many": lambda cache, key: cache.delete_many(["ok", key]),
    "get_or_set": lambda cache, key: cache.get_or_set(key, made),
}


@pytest.mark.parametrize("name", CALLS)
async def test_a_key_up_to_the_limit_is_taken(valkey: Endpoint, name: str) -> None:
    """Of 64 KiB, or one byte less, each method takes it."""
    async with RedisCache(valkey.url, prefix=fresh()) as cache:
        for size in (MAX_KEY - 1, MAX_KEY):
            await CALLS[name](cache, "k" * size)
            await cache.delete("k" * size)


@pytest.mark.parametrize("name", CALLS)
async def test_a_key_over_the_limit_is_refused_unsent(valkey: Endpoint, name: str) -> None:
    """Of one byte more no method sends anything, nor of the other keys of its batch."""
    async with through(valkey) as (cache, proxy):
        before = proxy.bytes_to_server

        with pytest.raises(ValidationError, match="65537"):
            await CALLS[name](cache, "k" * (MAX_KEY + 1))

        assert await cache.get("ok") is None
        assert proxy.bytes_to_server - before < 200


async def test_a_value_up_to_the_limit_comes_back(valkey: Endpoint) -> None:
    """Of 16 MiB, or one byte less, it is stored and read."""
    async with RedisCache(valkey.url, prefix=fresh(), codec="raw") as cache:
        for size in (MAX_VALUE - 1, MAX_VALUE):
            value = size.to_bytes(8, "big").ljust(size, b"v")
            await cache.set("k", value)
            assert await cache.get("k") == value
            assert await cache.get_many(["k"]) == {"k": value}

        assert await cache.delete("k")


@pytest.mark.parametrize("size", [MAX_VALUE + 1, 600 * 2**20])
async def test_a_value_over_the_limit_is_refused_unsent(valkey: Endpoint, size: int) -> None:
    """Of one byte more, or of what the server itself would refuse, nothing is sent."""
    async with through(valkey, codec="raw") as (cache, proxy):
        before = proxy.bytes_to_server
        value = bytes(size)

        with pytest.raises(ValidationError):
            await cache.set("k", value)

        with pytest.raises(ValidationError):
            await cache.set("k", value, 60)

        with pytest.raises(ValidationError):
            await cache.set_many({"ok": b"1", "k": value})

        assert proxy.bytes_to_server == before
        assert await cache.get_many(["ok", "k"]) == {}


async def test_a_made_value_over_the_limit_is_not_stored(valkey: Endpoint) -> None:
    """What a factory returns is refused as at `set`, and the lease on the key is given back."""

    async def make() -> bytes:
        return bytes(MAX_VALUE + 1)

    async with through(valkey, codec="raw", lease=60) as (cache, proxy):
        with pytest.raises(ValidationError):
            await cache.get_or_set("k", make)

        assert proxy.bytes_to_server < 10_000
        assert await cache.get("k") is None
        # Under the old lease this would wait for a minute.
        assert await cache.get_or_set("k", _small) == b"1"


async def _small() -> bytes:
    return b"1"


async def test_a_large_value_on_its_way_holds_up_nobody(valkey: Endpoint) -> None:
    """While 16 MiB stand still on their connection, small values come and go on the other."""
    async with (
        through(valkey, codec="raw") as (cache, proxy),
        ChaosProxy((valkey.host, valkey.port)) as slow,
    ):
        # Open connections stay where they are: only the one for large values is slow.
        proxy.redirect((slow.host, slow.port))
        await cache.set("large", LARGE)
        assert (proxy.accepted, slow.accepted) == (2, 1)
        slow.black_hole()
        storing = asyncio.create_task(cache.set("large", bytes(MAX_VALUE)))

        for number in range(100):
            await cache.set("small", b"%d" % number)
            assert await cache.get("small") == b"%d" % number

        assert not storing.done()
        slow.heal()
        await storing
        assert await cache.get("large") == bytes(MAX_VALUE)


async def test_a_large_value_that_was_made_holds_up_nobody(valkey: Endpoint) -> None:
    """What a factory returned rides the connection for large values as well."""

    async def make() -> bytes:
        return bytes(MAX_VALUE)

    async with (
        through(valkey, codec="raw") as (cache, proxy),
        ChaosProxy((valkey.host, valkey.port)) as slow,
    ):
        proxy.redirect((slow.host, slow.port))
        await cache.set("large", LARGE)
        slow.black_hole()
        making = asyncio.create_task(cache.get_or_set("made", make))

        for number in range(100):
            await cache.set("small", b"%d" % number)

        assert not making.done()
        slow.heal()
        assert await making == bytes(MAX_VALUE)
        assert await cache.get("made") == bytes(MAX_VALUE)


async def test_a_key_that_was_large_stays_in_order(valkey: Endpoint) -> None:
    """While a large value is on its way, a later write and read of its key wait behind it."""
    async with (
        through(valkey, codec="raw") as (cache, proxy),
        ChaosProxy((valkey.host, valkey.port)) as slow,
    ):
        proxy.redirect((slow.host, slow.port))
        await cache.set("k", LARGE)
        slow.black_hole()
        later = [
            asyncio.create_task(cache.set("k", LARGE + b"2")),
            asyncio.create_task(cache.set("k", b"small")),
            asyncio.create_task(cache.get("k")),
        ]
        await cache.set("other", b"1")
        assert not any(task.done() for task in later)
        slow.heal()
        assert (await asyncio.gather(*later))[2] == b"small"


async def test_a_large_value_of_a_batch_holds_up_nobody(valkey: Endpoint) -> None:
    """The others of the batch are stored although the connection for large values stands still."""
    async with (
        through(valkey, codec="raw") as (cache, proxy),
        ChaosProxy((valkey.host, valkey.port)) as slow,
    ):
        proxy.redirect((slow.host, slow.port))
        await cache.set("large", LARGE)
        slow.black_hole()
        storing = asyncio.create_task(cache.set_many({"large": bytes(MAX_VALUE), "small": b"1"}))
        seen = None

        while seen is None:
            seen = await cache.get("small")

        assert not storing.done()
        slow.heal()
        await storing
        assert await cache.get("large") == bytes(MAX_VALUE)
