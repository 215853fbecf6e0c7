"""A cache that works before something breaks, and the least that it does once it is connected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from ...interfaces import CachingInterface, deadline
from .._breaking import DEADLINE, PREPARING, answers
from .._harness import CachingHarness

__all__ = ["hurried", "works"]


@asynccontextmanager
async def hurried(harness: CachingHarness, **stored: Any) -> AsyncIterator[CachingInterface]:
    """Give a cache whose calls have ``DEADLINE`` seconds, with some values: more was given to make it."""
    cache = harness.make(deadline=DEADLINE)

    with deadline(PREPARING):
        await cache.connect()

    async with cache:
        with deadline(PREPARING):
            for key, value in stored.items():
                await cache.set(key, value)

        yield cache


async def works(cache: CachingInterface) -> None:
    """Fail where a connected cache does not answer."""
    await answers(partial(cache.set, "key", 1), "set")
