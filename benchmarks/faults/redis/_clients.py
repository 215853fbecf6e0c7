"""Who is put to the test: each with the settings that it has when nobody sets anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from redis.asyncio import BlockingConnectionPool, Redis

from infrastructure.caching.redis import RedisCache

__all__ = ["CLIENTS", "Client", "Make"]


class Client(Protocol):
    """What is asked of them."""

    async def get(self, key: str) -> Any:
        """Return the value of a key."""
        ...

    async def set(self, key: str, value: str) -> Any:
        """Store a value."""
        ...


Make = Callable[[str, int], AbstractAsyncContextManager[Any]]
"""Makes a client of the server at a host and a port."""


def _blocking(host: str, port: int) -> AbstractAsyncContextManager[Any]:
    pool = BlockingConnectionPool(host=host, port=port, decode_responses=True, max_connections=10)
    return Redis.from_pool(pool)


CLIENTS: Mapping[str, Make] = {
    "RedisCache": lambda host, port: RedisCache(f"redis://{host}:{port}"),
    'RedisCache(mode="pooled")': lambda host, port: RedisCache(
        f"redis://{host}:{port}", mode="pooled"
    ),
    "redis-py, default": lambda host, port: Redis(host=host, port=port, decode_responses=True),
    "redis-py, BlockingConnectionPool(10)": _blocking,
}
