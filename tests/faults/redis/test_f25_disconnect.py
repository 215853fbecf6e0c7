"""F25: ``disconnect`` at every time: early, twice, under load, while it connects."""

from __future__ import annotations

import asyncio
import random
from functools import partial

import pytest

from infrastructure import ConnectionError, InfrastructureError, OperationError
from infrastructure.testing import ChaosProxy

from ...servers.counters import Counters
from ...servers.server import RedisServer
from .._outcomes import ended
from .._timing import SLACK, draw_seed, share, within
from .._watch import nothing_left, until
from ._caches import CALLS, Make, Note

ENDED = (ConnectionError, OperationError)
"""What a call is told that meets ``disconnect``; the latter where a factory was cut short by it."""


async def test_F25_before_connect_and_twice(make: Make, private_valkey: RedisServer) -> None:
    """It has nothing to do, and does no harm."""
    cache = make(private_valkey)

    async with nothing_left():
        await cache.disconnect()
        await cache.connect()
        assert await cache.get("key") is None
        await asyncio.gather(*(cache.disconnect() for _ in range(3)))
        await cache.disconnect()

        with pytest.raises(ConnectionError):
            await cache.get("key")


@pytest.mark.slow
async def test_F25_under_load_everything_ends(make: Make, private_valkey: RedisServer) -> None:
    """Each call gets its answer or an error of ours; ``connect`` works again, time after time."""
    # Long enough for fifty tasks on ten connections, on a busy machine too.
    cache = make(private_valkey, deadline=3)

    answered = 0

    async def ask(number: int) -> None:
        nonlocal answered
        call = list(CALLS.values())[number % len(CALLS)]

        while not isinstance(end := await ended(partial(call, cache), 3), ENDED):
            assert not isinstance(end, InfrastructureError), end
            answered += 1

    async with nothing_left():
        for _ in range(5):
            await cache.connect()
            tasks = [asyncio.ensure_future(ask(number)) for number in range(50)]
            before = answered
            await until(lambda: answered >= before + 50, lambda: answered)  # noqa: B023

            with within(1 + SLACK):
                await cache.disconnect()
                await asyncio.gather(*tasks)


async def test_F25_what_was_sent_before_is_finished(
    make: Make, private_valkey: RedisServer
) -> None:
    """The server answers: nothing that is under way is broken off."""
    async with make(private_valkey) as cache:
        writes = [asyncio.ensure_future(cache.set(f"key {n}", n)) for n in range(200)]
        await asyncio.sleep(0)

    await asyncio.gather(*writes)

    async with cache:
        assert await cache.get_many(f"key {n}" for n in range(200)) == {
            f"key {n}": n for n in range(200)
        }


async def test_F25_while_it_connects(make: Make, proxy: ChaosProxy) -> None:
    """``connect`` is told so at once; nothing is left of it."""
    proxy.black_hole()
    cache = make(proxy, deadline=5)

    async with nothing_left():
        connecting = asyncio.ensure_future(cache.connect())
        await until(lambda: proxy.open, lambda: proxy)

        with within(SLACK):
            await cache.disconnect()

            with pytest.raises(ConnectionError):
                await connecting

        proxy.heal()

    async with cache:
        assert await cache.get("key") is None


@pytest.mark.slow
@pytest.mark.soak
async def test_F25_in_any_order(
    make: Make, private_valkey: RedisServer, counters: Counters, record_property: Note
) -> None:
    """Hundreds of connects, disconnects and calls at once leave a cache that works, and then nothing."""
    seed = draw_seed()
    rng = random.Random(seed)
    cache = make(private_valkey, deadline=2)
    choices = [cache.connect, cache.disconnect, *(partial(call, cache) for call in CALLS.values())]

    async def some() -> None:
        for _ in range(20):
            end = await ended(rng.choice(choices), 2)
            assert not isinstance(end, Exception) or isinstance(end, ENDED), (seed, end)

            if rng.random() < 0.5:
                await asyncio.sleep(0)

    async with nothing_left():
        await asyncio.gather(*(some() for _ in range(share(1000))))
        await cache.connect()
        await cache.set("key", seed)
        assert await cache.get("key") == seed
        await cache.disconnect()

    await until(lambda: counters.read().open == 0, counters.clients)
    record_property("calls, connects and disconnects", 20 * share(1000))
    record_property("seed of their order", seed)
