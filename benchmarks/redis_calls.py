"""How fast are get and set of RedisCache, by one task and by many at once?

The value is a dict of about 100 bytes, under 1,000 keys. Ours has all that makes it a cache: a
prefix, a deadline for each call, the typed codec. redis-py, coredis and valkey-glide store what
orjson makes of the dict; aiocache and cashews have their own codecs and what their documentation
sets up. redis-py (with hiredis) opens a connection for each call under way; it stands here also
with a ``BlockingConnectionPool`` of 10, and, for 50 tasks, as somebody writes it who has the 50
calls in his hand: one pipeline after the other. Each has a Valkey of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from ._loops import uvloop
from ._question import OURS, Contender, Question, Work
from ._redis import PEERS, Opener, ours, redis_py, server
from ._tasks import shared_among
from ._values import PLAIN

__all__ = ["QUESTIONS"]

_KEYS = [f"item:{number}" for number in range(1000)]
_OPERATIONS = 5000
_FEWER = 2000
_BATCH = 50


def _keys(operations: int) -> list[str]:
    return [_KEYS[number % len(_KEYS)] for number in range(operations)]


def _contender(name: str, opener: Opener, tasks: int, *, writes: bool) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server() as port, opener(port) as calls:

            async def write(key: str) -> None:
                await calls.set(key, PLAIN)

            async def run(operations: int) -> None:
                await shared_among(tasks, _keys(operations), write if writes else calls.get)

            await shared_among(tasks, _KEYS, write)
            assert await calls.get(_KEYS[-1]) == PLAIN
            yield Work(run=run)

    return Contender(name=name, open=opened)


def _pipeline(*, writes: bool) -> Contender:
    """Return the contender that hands redis-py many calls at a time."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        import orjson

        async with server() as port, redis_py(port) as client:

            async def write(keys: list[str]) -> None:
                async with client.pipeline(transaction=False) as pipe:
                    for key in keys:
                        pipe.set(key, orjson.dumps(PLAIN))

                    await pipe.execute()

            async def read(keys: list[str]) -> list[object]:
                async with client.pipeline(transaction=False) as pipe:
                    for key in keys:
                        pipe.get(key)

                    return [orjson.loads(data) for data in await pipe.execute()]

            async def run(operations: int) -> None:
                keys = _keys(operations)

                for start in range(0, operations, _BATCH):
                    await (write if writes else read)(keys[start : start + _BATCH])

            await write(_KEYS)
            assert await read(_KEYS[-1:]) == [PLAIN]
            yield Work(run=run)

    return Contender(name="redis-py, pipelines", open=opened)


def _question(
    operation: str,
    tasks: int,
    target: float,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Question:
    writes = operation == "set"
    openers = {OURS: ours(), "ours, pooled": ours(mode="pooled"), **PEERS}
    contenders = [
        _contender(name, opener, tasks, writes=writes) for name, opener in openers.items()
    ]

    if tasks == _BATCH:
        contenders.append(_pipeline(writes=writes))

    return Question(
        name=f"redis-{operation}-{tasks}{'-uvloop' if loop else ''}",
        asks=f"RedisCache.{operation} of a dict, {tasks} task{'s' if tasks > 1 else ''}"
        f"{' on uvloop' if loop else ''}",
        contenders=tuple(contenders),
        operations=_FEWER if tasks == 1 else _OPERATIONS,
        targets={"redis-py": target},
        turn=tasks,
        loop=loop,
    )


QUESTIONS = tuple(
    _question(operation, tasks, target, loop)
    for tasks, target, loop in ((50, 8.0, None), (5, 4.0, None), (1, 1.1, None), (50, 6.0, uvloop))
    for operation in ("get", "set")
)
