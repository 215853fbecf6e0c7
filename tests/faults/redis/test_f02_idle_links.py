"""F2: an idle link is reset or closed, as by a firewall or a server that cleans up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from infrastructure import ConnectionError
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy
from infrastructure.testing.redis import RedisCounters

from .._outcomes import ended
from .._timing import healed, unhurried
from .._watch import until
from ._caches import DEADLINE, READS, WRITES, Call

Break = Callable[[ChaosProxy], None]
BREAKS: dict[str, Break] = {"reset": ChaosProxy.reset, "closed": ChaosProxy.cut}


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("call", READS.values(), ids=READS)
@unhurried
async def test_F2_a_read_makes_a_new_link(
    cache: RedisCache, proxy: ChaosProxy, call: Call, end: Break
) -> None:
    """It succeeds silently, whether the loss was noticed before or not, by one new connection each."""
    await cache.set("key", "value", ttl=60)
    expected = await call(cache)
    assert expected
    end(proxy)

    with healed():
        assert await call(cache) == expected

    assert proxy.accepted == 2
    end(proxy)
    await until(lambda: proxy.open == 0, lambda: proxy)

    with healed():
        assert await call(cache) == expected

    assert proxy.accepted == 3


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS)
@unhurried
async def test_F2_many_readers_share_the_new_link(
    cache: RedisCache, proxy: ChaosProxy, end: Break, connections: int
) -> None:
    """A hundred at once make no more connections than there may be, and none fails."""
    await cache.set("key", "value")
    end(proxy)

    with healed():
        assert await asyncio.gather(*(cache.get("key") for _ in range(100))) == ["value"] * 100

    assert proxy.accepted <= 1 + connections


@unhurried
async def test_F2_a_write_on_a_link_that_is_known_to_be_lost_succeeds(
    cache: RedisCache, proxy: ChaosProxy
) -> None:
    """Not one byte of it had left."""
    await cache.set("key", "value")
    proxy.reset()
    await until(lambda: proxy.open == 0, lambda: proxy)
    # The client's end hears of it in a turn of the loop of its own.
    await cache.exists("key")

    with healed():
        await cache.set("key", "again")

    assert await cache.get("key") == "again"


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@unhurried
async def test_F2_a_write_is_not_repeated(
    cache: RedisCache, proxy: ChaosProxy, counters: RedisCounters, call: Call
) -> None:
    """It succeeds, or says that the outcome is not known; the server sees it once at most."""
    await call(cache)
    start = counters.read().commands
    await call(cache)
    before = counters.read().commands
    once = before - start

    for _ in range(5):
        proxy.reset()

        end = await ended(partial(call, cache), DEADLINE)
        assert not isinstance(end, Exception) or (type(end), end.outcome, bool(end.__cause__)) == (
            ConnectionError,
            "unknown",
            True,
        )

    done = counters.read().commands - before
    assert all(done[name] <= 5 * calls for name, calls in once.items())
