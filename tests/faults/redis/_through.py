"""A cache on the far side of a proxy, and names that no other test uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from infrastructure.caching.redis import RedisCache
from infrastructure.testing import ChaosProxy

from ...servers.endpoint import Endpoint
from .._timing import connected

__all__ = ["fresh", "through"]


def fresh() -> str:
    """Return a prefix that nobody else has: the servers of the run are shared."""
    return f"{uuid4().hex[:12]}:"


@asynccontextmanager
async def through(server: Endpoint, **options: Any) -> AsyncIterator[tuple[RedisCache, ChaosProxy]]:
    """Give a connected cache, with a prefix of its own, and the proxy that stands before it."""
    options = {"prefix": fresh(), **options}

    async with (
        ChaosProxy((server.host, server.port)) as proxy,
        connected(RedisCache(f"redis://{proxy.host}:{proxy.port}", **options)) as cache,
    ):
        yield cache, proxy
