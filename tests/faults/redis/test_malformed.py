"""F20: malformed keys and patterns are refused unsent, odd ones survive, foreign bytes are an error."""

from __future__ import annotations

import math
from typing import Any

import pytest

from infrastructure.caching.redis import RedisCache
from infrastructure.interfaces.exceptions import OperationError, ValidationError

from ...servers.endpoint import Endpoint
from ._through import fresh, through
from .test_sizes import CALLS

pytestmark = pytest.mark.usefixtures("either_mode")

BAD_KEYS: list[Any] = ["", "\ud800", "a\udfffb", b"bytes", 7, None, ("a",)]
ODD_KEYS = [
    *["\0", "\r\n", "a\r\n*1\r\n$8\r\nFLUSHALL\r\n", " ", "{", "}{", "{}", "{a}b", "*?[a]\\"],
    *["سلام\u200cدنیا", "e\u0301", "\u00e9", "\U0001f600", "\ufeff", "\uffff", "\xff", "true"],
]
ODD_VALUES: list[Any] = [
    *["\0", b"\0\xff\r\n", "a\r\n$-1\r\n", "", b"", math.nan, math.inf, -0.0, 10**400],
    *[{"\0": [None]}, {None: None}, (), [[], ()], "\ufeffسلام"],
]


@pytest.mark.parametrize("name", CALLS)
async def test_a_bad_key_is_refused_unsent(valkey: Endpoint, name: str) -> None:
    """Empty, not encodable or no `str`: each method says so and sends nothing."""
    async with through(valkey) as (cache, proxy):
        before = proxy.bytes_to_server

        for key in BAD_KEYS:
            with pytest.raises(ValidationError):
                await CALLS[name](cache, key)

        assert proxy.bytes_to_server - before < 600
        assert await cache.get("ok") is None


@pytest.mark.parametrize("pattern", ["[", "[a", "a[b-", "[]", "\\", "[a\\", "\ud800", 7])
async def test_a_bad_pattern_is_refused_unsent(valkey: Endpoint, pattern: Any) -> None:
    """A set without its end, an escape of nothing: `scan_keys` sends nothing."""
    async with through(valkey) as (cache, proxy):
        before = proxy.bytes_to_server

        with pytest.raises(ValidationError):
            await cache.scan_keys(pattern)

        assert proxy.bytes_to_server == before


async def test_odd_keys_stay_apart(valkey: Endpoint) -> None:
    """Signs of the protocol, NUL, braces, Persian and look-alikes are keys as any other."""
    async with RedisCache(valkey.url, prefix=fresh()) as cache:
        for number, key in enumerate(ODD_KEYS):
            await cache.set(key, number, 60)

        assert [await cache.get(key) for key in ODD_KEYS] == list(range(len(ODD_KEYS)))
        assert sorted(await cache.scan_keys("*")) == sorted(ODD_KEYS)
        assert await cache.delete_many(ODD_KEYS) == len(ODD_KEYS)


async def test_odd_values_come_back(valkey: Endpoint) -> None:
    """Nothing in a value is read as a command, a miss or another value."""
    async with RedisCache(valkey.url, prefix=fresh()) as cache:
        for value in ODD_VALUES:
            await cache.set("k", value)
            found = await cache.get("k")
            assert (type(found), repr(found)) == (type(value), repr(value))


async def test_a_deep_value_is_refused_unsent(valkey: Endpoint) -> None:
    """Ten thousand lists in each other, one that holds itself: no recursion, no byte."""
    deep: list[Any] = []

    for _ in range(10_000):
        deep = [deep]

    own: list[Any] = []
    own.append(own)

    async with through(valkey) as (cache, proxy):
        before = proxy.bytes_to_server

        for value in (deep, own, object(), [{1, 2}, object()]):
            with pytest.raises(ValidationError):
                await cache.set("k", value)

        assert proxy.bytes_to_server == before


async def test_foreign_bytes_are_an_error(valkey: Endpoint) -> None:
    """What we did not store is never a miss: each reading method says so, and `set` replaces it."""
    prefix = fresh()

    async with RedisCache(valkey.url, prefix=prefix) as cache, valkey.client() as raw:
        for data in (b"", b"\xff", b"plain", b"\xff\x00\xc1", b"\x01"):
            await raw.set(prefix + "k", data)

            for name in ("get", "get_many", "get_or_set"):
                with pytest.raises(OperationError) as caught:
                    await (cache.get_many(["k"]) if name == "get_many" else CALLS[name](cache, "k"))

                assert caught.value.outcome != "unknown" or name == "get_many"

            assert await cache.exists("k")
            await cache.set("k", 1)
            assert await cache.get("k") == 1


async def test_a_torn_value_is_an_error(valkey: Endpoint) -> None:
    """Every beginning of a stored value is refused, never another value."""
    prefix = fresh()

    async with RedisCache(valkey.url, prefix=prefix) as cache, valkey.client() as raw:
        await cache.set("k", {"a": [1, 2.5, "xyz", b"123", (None, True)]})
        whole = await raw.execute_command("GET", prefix + "k", NEVER_DECODE=[])

        for size in range(len(whole)):
            await raw.set(prefix + "k", whole[:size])

            with pytest.raises(OperationError):
                await cache.get("k")
