"""F8: a bit of a reply is flipped, or a reply comes that nobody asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from infrastructure import InfrastructureError
from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from ._caches import Make
from ._outcomes import ended
from ._timing import SLACK, within

pytestmark = pytest.mark.slow

DEADLINE = 0.1
KEYS = [f"key {n}" for n in range(20)]
VALUES: dict[str, Any] = {key: f"{key}: {'x' * (7 * n % 31)}" for n, key in enumerate(KEYS)}
"""Each says whose it is, and their lengths differ."""


@pytest.fixture
async def filled(make: Make, proxy: ChaosProxy) -> AsyncIterator[RedisCache]:
    """Give a connected cache that has the values."""
    async with make(proxy, deadline=DEADLINE) as cache:
        await cache.set_many(VALUES)
        yield cache


def check(key: str, end: Any) -> None:
    """Fail when what a get of ``key`` ended with is another key's."""
    assert isinstance(end, InfrastructureError) or end not in {
        value for other, value in VALUES.items() if other != key
    }, f"{key} got {end!r}"


async def recovered(cache: RedisCache) -> None:
    """Return when the cache answers right again, which it must within a second; never wrong."""
    with within(1 + DEADLINE + SLACK):
        while (end := await ended(partial(cache.get, "key 3"), DEADLINE)) != VALUES["key 3"]:
            check("key 3", end)


async def test_F8_a_flipped_bit_gives_nobody_another_value(
    filled: RedisCache, proxy: ChaosProxy
) -> None:
    """Each bit of a reply: the value, a damaged one or an error; then right answers again."""
    before = proxy.bytes_to_client
    await filled.get("key 1")
    length = proxy.bytes_to_client - before

    for at in range(length):
        for bit in range(8):
            proxy.flip(at, "to_client", bit=bit)
            check("key 1", await ended(partial(filled.get, "key 1"), DEADLINE))
            await recovered(filled)
            proxy.heal()
