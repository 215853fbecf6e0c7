"""How fast does scan_keys find 10,000 keys among 100,000, and for how long does it hold the loop?

redis-py's ``scan_iter(match, count=1000)`` is the peer: it gives bytes, with duplicates where the
server gives some, and by the server's pattern. Ours gives each key once, as a ``str`` without the
prefix, by a pattern over characters.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infrastructure.caching.redis import RedisCache

from ._question import OURS, Contender, Question, Work
from ._redis import HOST, redis_py, server

__all__ = ["QUESTIONS"]

_KEYS = 100_000
_FOUND = _KEYS // 10
_PREFIX = "bench:"


@asynccontextmanager
async def _filled() -> AsyncIterator[int]:
    """Run a server whose keys are those of the prefix; a tenth are hits."""
    async with server() as port:
        async with redis_py(port) as client:
            for start in range(0, _KEYS, 1000):
                numbers = range(start, start + 1000)
                await client.mset({f"{_PREFIX}{_name(number)}": "x" for number in numbers})

        yield port


def _name(number: int) -> str:
    return f"item:{number}" if number % 10 else f"hit:{number}"


@asynccontextmanager
async def _ours() -> AsyncIterator[Work]:
    async with (
        _filled() as port,
        RedisCache(f"redis://{HOST}:{port}", prefix=_PREFIX) as cache,
    ):

        async def run(operations: int) -> None:
            for _ in range(operations):
                assert len(await cache.scan_keys("hit:*")) == _FOUND

        yield Work(run=run)


@asynccontextmanager
async def _redis_py() -> AsyncIterator[Work]:
    async with _filled() as port, redis_py(port) as client:

        async def run(operations: int) -> None:
            for _ in range(operations):
                found = [key async for key in client.scan_iter(f"{_PREFIX}hit:*", count=1000)]
                assert len(found) == _FOUND

        yield Work(run=run)


QUESTIONS = (
    Question(
        name="redis-scan",
        asks="RedisCache.scan_keys of 10,000 keys among 100,000",
        contenders=(
            Contender(name=OURS, open=_ours),
            Contender(name="redis-py", open=_redis_py),
        ),
        operations=4,
        targets={"redis-py": 1.0},
        passes=5,
    ),
)
