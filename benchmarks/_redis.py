"""Starts the servers of the Redis benchmarks, and opens ours and its peers on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infrastructure.caching.redis import RedisCache

# The drivers are imported where they are opened: who lists the questions needs none of them.
if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = [
    "HOST",
    "PEERS",
    "Calls",
    "Opener",
    "cashews",
    "ours",
    "plainly",
    "redis_py",
    "server",
]

HOST = "127.0.0.1"

# Connections of those who have a pool: more than there are calls under way in any question.
# A pool that is full refuses, and redis-py's default is 100.
_POOL = 5000


@dataclass(frozen=True, slots=True)
class Calls:
    """What is called: ``get(key)`` and ``set(key, value)``."""

    get: Callable[[str], Awaitable[Any]]
    set: Callable[[str, Any], Awaitable[Any]]


Opener = Callable[[int], AbstractAsyncContextManager[Calls]]
"""Opens a cache or a client on the server of a port."""


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """Run a Valkey of its own and give its port."""
    # Here, because the tests of the benchmarks import them without the root of the repository.
    from tests.servers import valkey
    from tests.servers.server import RedisServer

    async with RedisServer(valkey.program()) as running:
        yield running.port


def ours(**options: Any) -> Opener:
    """Return what opens a RedisCache: with a prefix, with deadlines and with the typed codec."""

    @asynccontextmanager
    async def opened(port: int) -> AsyncIterator[Calls]:
        async with RedisCache(f"redis://{HOST}:{port}", prefix="bench:", **options) as cache:
            yield Calls(cache.get, cache.set)

    return opened


def plainly(get: Callable[[str], Awaitable[Any]], store: Callable[[str, bytes], Any]) -> Calls:
    """Return the calls of a client that knows bytes only: the values go through orjson."""
    import orjson

    async def read(key: str) -> Any:
        data = await get(key)
        return None if data is None else orjson.loads(data)

    async def write(key: str, value: Any) -> None:
        await store(key, orjson.dumps(value))

    return Calls(read, write)


@asynccontextmanager
async def redis_py(port: int) -> AsyncIterator[Redis]:
    """Open redis-py as its documentation does; it takes hiredis by itself."""
    from redis.asyncio import Redis

    async with Redis(host=HOST, port=port, max_connections=_POOL) as client:
        yield client


@asynccontextmanager
async def _redis_py(port: int) -> AsyncIterator[Calls]:
    async with redis_py(port) as client:
        yield plainly(client.get, client.set)


@asynccontextmanager
async def _redis_py_pool(port: int) -> AsyncIterator[Calls]:
    from redis.asyncio import BlockingConnectionPool, Redis

    pool = BlockingConnectionPool(host=HOST, port=port, max_connections=10)

    async with Redis.from_pool(pool) as client:
        yield plainly(client.get, client.set)


@asynccontextmanager
async def _coredis(port: int) -> AsyncIterator[Calls]:
    import coredis

    async with coredis.Redis(host=HOST, port=port) as client:
        yield plainly(client.get, client.set)


@asynccontextmanager
async def _glide(port: int) -> AsyncIterator[Calls]:
    import glide

    settings = glide.GlideClientConfiguration([glide.NodeAddress(HOST, port)], request_timeout=5000)
    client = await glide.GlideClient.create(settings)

    try:
        yield plainly(client.get, client.set)
    finally:
        await client.close()


@asynccontextmanager
async def _aiocache(port: int) -> AsyncIterator[Calls]:
    from aiocache import RedisCache as AioCache

    async with AioCache(endpoint=HOST, port=port, pool_max_size=_POOL) as cache:
        yield Calls(cache.get, cache.set)


@asynccontextmanager
async def cashews(port: int, **options: Any) -> AsyncIterator[Calls]:
    """Open cashews as its documentation does."""
    from cashews import Cache

    cache = Cache()
    cache.setup(f"redis://{HOST}:{port}/0", max_connections=_POOL, **options)
    await cache.init()

    try:
        yield Calls(cache.get, cache.set)
    finally:
        await cache.close()


PEERS: dict[str, Opener] = {
    "redis-py": _redis_py,
    "redis-py, 10 connections": _redis_py_pool,
    "coredis": _coredis,
    "valkey-glide": _glide,
    "aiocache": _aiocache,
    "cashews": cashews,
}
"""What people use today, by name."""
