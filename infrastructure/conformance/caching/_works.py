"""The least that a cache does once it is connected."""

from __future__ import annotations

from functools import partial

from ...interfaces import CachingInterface
from .._breaking import answers

__all__ = ["works"]


async def works(cache: CachingInterface) -> None:
    """Fail where a connected cache does not answer."""
    await answers(partial(cache.set, "key", 1), "set")
