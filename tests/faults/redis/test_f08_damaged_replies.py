"""F8: a bit of a reply is flipped, or a reply comes that nobody asked for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from infrastructure import InfrastructureError, deadline
from infrastructure.caching.redis import RedisCache
from infrastructure.conformance._stopwatch import Stopwatch
from infrastructure.testing import ChaosProxy

from ...servers.server import RedisServer
from .._outcomes import all_ended, ended
from .._relay import Relay
from .._timing import PATIENT, SLACK, connected, draw_seed, healed, share, within
from ._caches import Make, Note

pytestmark = pytest.mark.slow

DEADLINE = 0.1
KEYS = [f"key {n}" for n in range(20)]
VALUES: dict[str, Any] = {key: f"{key}: {'x' * (40 + n)}" for n, key in enumerate(KEYS)}
"""Each says whose it is.

Their lengths are such that no flipped bit makes one of them swallow exactly the next: of that
no client that has several questions under way can know at once.
"""


@pytest.fixture
async def filled(make: Make, proxy: ChaosProxy) -> AsyncIterator[RedisCache]:
    """Give a connected cache that has the values."""
    async with connected(make(proxy, deadline=DEADLINE)) as cache:
        with deadline(PATIENT):
            await cache.set_many(VALUES)

        yield cache


def check(key: str, end: Any, seed: int | None = None) -> None:
    """Fail when what a get of ``key`` ended with is another key's."""
    others = [value for other, value in VALUES.items() if other != key]
    assert isinstance(end, InfrastructureError) or end not in others, (
        f"{key} got {end!r}, seed {seed}"
    )


async def recovered(cache: RedisCache, seconds: float = 1.0) -> None:
    """Return when the cache answers right again, which it must within so many; never wrong."""
    with within(seconds + DEADLINE + SLACK):
        while (end := await ended(partial(cache.get, "key 3"), DEADLINE)) != VALUES["key 3"]:
            check("key 3", end)


async def test_F8_a_flipped_bit_gives_nobody_another_value(
    filled: RedisCache, proxy: ChaosProxy
) -> None:
    """Each bit of a reply: the value, a damaged one or an error; then right answers again."""
    before = proxy.bytes_to_client

    with deadline(PATIENT):
        await filled.get("key 1")

    length = proxy.bytes_to_client - before

    for at in range(length):
        for bit in range(8):
            proxy.flip(at, "to_client", bit=bit)
            check("key 1", await ended(partial(filled.get, "key 1"), DEADLINE))
            await recovered(filled)
            proxy.heal()


@pytest.mark.soak
async def test_F8_a_flipped_bit_among_many_gives_nobody_another_value(
    filled: RedisCache, proxy: ChaosProxy, record_property: Note
) -> None:
    """As above, with twenty answers on their way."""
    seed = draw_seed()
    rng = random.Random(seed)
    flips = share(4000)

    for _ in range(flips):
        proxy.flip(rng.randrange(1200), "to_client", bit=rng.randrange(8))
        ends = await all_ended([partial(filled.get, key) for key in KEYS], DEADLINE)

        for key, end in zip(KEYS, ends, strict=True):
            check(key, end, seed)

        await recovered(filled)
        proxy.heal()

    record_property("flipped bits among 20 answers", flips)
    record_property("seed of the flipped bits", seed)


@pytest.mark.parametrize("reply", [b"$5\r\nalien\r\n", b"+OK\r\n", b"_\r\n", b":1\r\n"])
async def test_F8_an_answer_that_nobody_asked_for_ends_an_idle_link(
    make: Make, private_valkey: RedisServer, reply: bytes
) -> None:
    """It is nobody's: the next call has a connection of its own, and the right answer."""
    async with Relay(private_valkey) as relay, connected(make(relay, deadline=DEADLINE)) as cache:
        with deadline(PATIENT):
            await cache.set_many(VALUES)

        before = relay.accepted
        relay.inject(reply)
        await asyncio.sleep(0.01)

        with healed():
            assert await cache.get("key 3") == VALUES["key 3"]

        assert relay.accepted > before


async def test_F8_an_answer_too_many_on_a_busy_link_is_found_within_a_second(
    make: Make, private_valkey: RedisServer
) -> None:
    """Fifty tasks keep the link full, so that it never runs out of questions; it is replaced."""
    async with Relay(private_valkey) as relay, connected(make(relay, deadline=1)) as cache:
        with deadline(PATIENT):
            await cache.set_many(VALUES)

        wrong, running = [], True

        async def ask(key: str) -> None:
            while running:
                end = await ended(partial(cache.get, key), 1)

                if end != VALUES[key]:
                    wrong.append(watch.taken)

        tasks = [asyncio.ensure_future(ask(KEYS[n % 20])) for n in range(50)]
        watch = Stopwatch()
        relay.inject_when_asked(b"$5\r\nalien\r\n")
        await asyncio.sleep(1.3)
        running = False
        await asyncio.gather(*tasks)
        assert wrong
        assert max(wrong) < 1


async def test_F8_a_reply_that_swallows_all_others_is_found(
    make: Make, private_valkey: RedisServer
) -> None:
    """A damaged head of an array takes in a million answers: reads work again within four seconds."""
    async with Relay(private_valkey) as relay, connected(make(relay, deadline=DEADLINE)) as cache:
        with deadline(PATIENT):
            await cache.set_many(VALUES)

        relay.inject(b"*1000000\r\n")
        await recovered(cache, 4)
