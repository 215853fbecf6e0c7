"""How fast are get and set of RedisCache on a Cluster of three primaries, by 50 tasks at once?

The value is a dict of about 100 bytes, under 1,000 keys that lie on all three. The peers are
redis-py's ``RedisCluster`` and valkey-glide's cluster client, which store what orjson makes of the
dict. All use the same servers, one after the other, and each its own keys.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from infrastructure.caching.redis import RedisCache

from ._question import OURS, Contender, Question, Work
from ._redis import Calls, plainly
from ._tasks import shared_among
from ._values import PLAIN

__all__ = ["QUESTIONS"]

_KEYS = 1000
_OPERATIONS = 5000
_TASKS = 50

Opener = Callable[[str], AbstractAsyncContextManager[Calls]]
"""Opens a client on the Cluster of a URL."""


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[Calls]:
    async with RedisCache(url, prefix="bench:") as cache:
        yield Calls(cache.get, cache.set)


@asynccontextmanager
async def _redis_py(url: str) -> AsyncIterator[Calls]:
    from redis.asyncio.cluster import RedisCluster

    host, port = _first(url)

    async with RedisCluster(host=host, port=port) as client:
        yield plainly(client.get, client.set)


@asynccontextmanager
async def _glide(url: str) -> AsyncIterator[Calls]:
    import glide

    settings = glide.GlideClusterClientConfiguration(
        [glide.NodeAddress(*_first(url))], request_timeout=5000
    )
    client = await glide.GlideClusterClient.create(settings)

    try:
        yield plainly(client.get, client.set)
    finally:
        await client.close()


def _first(url: str) -> tuple[str, int]:
    """Return host and port of the first of its nodes."""
    parts = urlsplit(url.partition(",")[0])
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _contender(name: str, opener: Opener, *, writes: bool) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        # Here, because the tests of the benchmarks import them without the root of the repository.
        from tests.servers.shared import valkey_cluster

        keys = [f"{name}:{number}" for number in range(_KEYS)]

        async with opener(valkey_cluster().url) as calls:

            async def write(key: str) -> None:
                await calls.set(key, PLAIN)

            async def run(operations: int) -> None:
                asked = [keys[number % _KEYS] for number in range(operations)]
                await shared_among(_TASKS, asked, write if writes else calls.get)

            await shared_among(_TASKS, keys, write)
            assert await calls.get(keys[-1]) == PLAIN
            yield Work(run=run)

    return Contender(name=name, open=opened)


def _question(operation: str) -> Question:
    openers: dict[str, Opener] = {OURS: _ours, "redis-py": _redis_py, "valkey-glide": _glide}
    return Question(
        name=f"redis-cluster-{operation}",
        asks=f"RedisCache.{operation} of a dict on a Cluster of three, {_TASKS} tasks",
        contenders=tuple(
            _contender(name, opener, writes=operation == "set") for name, opener in openers.items()
        ),
        operations=_OPERATIONS,
        targets={"redis-py": 6.0},
        turn=_TASKS,
    )


QUESTIONS = (_question("get"), _question("set"))
