"""F7: the connection ends within a reply, at each byte of it."""

from __future__ import annotations

from functools import partial

import pytest

from infrastructure import ConnectionError
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from .._outcomes import ended
from .._timing import healed, unhurried
from ._caches import DEADLINE, READS, Call

pytestmark = pytest.mark.slow


async def length(proxy: ChaosProxy, call: Call, cache: RedisCache) -> int:
    """Return the bytes of the answer to a call on a warm link."""
    await call(cache)
    before = proxy.bytes_to_client
    await call(cache)
    return proxy.bytes_to_client - before


@pytest.mark.parametrize("call", READS.values(), ids=READS)
@unhurried
async def test_F7_a_read_gives_the_whole_value(
    cache: RedisCache, proxy: ChaosProxy, call: Call
) -> None:
    """Nobody gets a part: the connection is dropped, and the read repeated on another."""
    await cache.set_many({"key": "value", "other": ["x" * 20, 7]}, ttl=60)
    expected = await call(cache)

    for after in range(await length(proxy, call, cache)):
        made = proxy.accepted
        proxy.truncate(after, "to_client", ending="reset" if after % 2 else "cut")

        with healed():
            assert await call(cache) == expected

        assert proxy.accepted == made + 1


@unhurried
async def test_F7_a_large_value_is_whole(cache: RedisCache, proxy: ChaosProxy) -> None:
    """However many pieces of it were there."""
    value = "0123456789" * 30_000
    await cache.set("large", value)

    for after in (1, 100, 65_536, 200_000, 299_999):
        proxy.truncate(after, "to_client")

        with healed():
            assert await cache.get("large") == value


@unhurried
async def test_F7_a_write_has_an_unknown_outcome(cache: RedisCache, proxy: ChaosProxy) -> None:
    """A part of an OK is none."""
    written = partial(RedisCache.set, key="key", value="value")

    for after in range(await length(proxy, written, cache)):
        await cache.get("key")
        proxy.truncate(after, "to_client")
        error = await ended(partial(written, cache), DEADLINE)
        assert (type(error), error.outcome) == (ConnectionError, "unknown"), after


@unhurried
async def test_F7_a_batch_names_what_is_not_known(
    cache: RedisCache, proxy: ChaosProxy, mode: str
) -> None:
    """Of a cut batch what was acknowledged is done, and the rest is named."""
    many = {f"key {n}": "v" * 1000 for n in range(300)}
    await cache.get("key")
    proxy.truncate(602, "to_client")
    error = await ended(partial(cache.set_many, many), DEADLINE)
    assert (type(error), error.outcome) == (ConnectionError, "unknown")
    done = many.keys() - set(error.failed_keys)
    assert len(done) < len(many)
    # redis-py gives all answers of a batch or none.
    assert done or mode == "pooled"
    assert (await cache.get_many(done)).keys() == done
