"""F6: the connection is cut when a write has left, before its answer, or with a part of it sent."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

import pytest

from infrastructure import ConnectionError
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy
from infrastructure.testing.redis import RedisCounters

from .._outcomes import ended
from .._timing import PATIENT, SLACK, unhurried, within
from .._watch import until
from ._caches import DEADLINE, WRITES, Call


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
@unhurried
async def test_F6_a_write_that_was_done_is_not_repeated(
    cache: RedisCache, proxy: ChaosProxy, counters: RedisCounters, call: Call
) -> None:
    """The answer is lost: the outcome is unknown, and the server has done it once."""
    # The first of a large value makes its link.
    await call(cache)
    start = counters.read().commands
    await call(cache)
    before = counters.read().commands
    once = before - start
    proxy.black_hole("to_client")
    asked = asyncio.ensure_future(ended(partial(call, cache), PATIENT))
    # Of these alone: when all is quiet for long the link asks a question of its own.
    await until(lambda: _of(once, counters.read().commands - before) == once, counters.read)
    proxy.cut()

    with within(SLACK):
        error = await asked

    assert type(error) is ConnectionError
    assert (error.outcome, error.retryable) == ("unknown", True)
    assert error.__cause__ is not None
    proxy.heal()
    await cache.get("absent")
    done = counters.read().commands - before
    assert _of(once, done) == once


def _of(names: Collection[str], commands: Mapping[str, int]) -> dict[str, int]:
    return {name: commands[name] for name in names}


@pytest.mark.slow
@unhurried
async def test_F6_a_write_that_was_sent_in_part_is_not_done(
    cache: RedisCache, proxy: ChaosProxy, counters: RedisCounters
) -> None:
    """Cut at each byte of it: unknown or, before the first, whatever is true; done never."""
    await cache.set("key", "old")
    before = proxy.bytes_to_server
    await cache.set("key", "old")
    length = proxy.bytes_to_server - before

    for sent in range(1, length):
        done = counters.read().commands["set"]
        await cache.get("key")
        proxy.truncate(sent, "to_server", ending="reset" if sent % 2 else "cut")
        error = await ended(partial(cache.set, "key", "new"), DEADLINE)
        assert (type(error), error.outcome) == (ConnectionError, "unknown")
        assert counters.read().commands["set"] == done
        assert await cache.get("key") == "old"
