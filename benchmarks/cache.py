"""How fast are get and set of the memory cache, of entries with a time to live?

Ours isolates every value: what ``get`` returns is the caller's own. The peers do not by
default. aiocache's ``SimpleMemoryCache`` keeps the very object; its documented way out is a
serializer, ``PickleSerializer``. cashews makes a shallow copy at ``set`` and hands the same
object to all who ``get`` it; ``pickle_type="default"`` pickles. A dict is therefore compared
with those settings, and shown beside the defaults that share it. A scalar is immutable: it is
compared with the defaults.

Everything else is as the peers' documentation has it: aiocache with its time-out of 5 seconds
(ours has one too), cashews by its client, with room for all keys. 1,000 keys, an hour to live.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import cycle, islice
from typing import Any

from infrastructure.caching.memory import MemoryCache

from ._question import OURS, Contender, Question, Work
from ._values import PLAIN

__all__ = ["QUESTIONS"]

_KEYS = [f"bench:{number}" for number in range(1000)]
_TTL = 3600
_OPERATIONS = 20_000

Get = Callable[[str], Awaitable[Any]]
Set = Callable[[str, Any, int], Awaitable[Any]]
Cache = AbstractAsyncContextManager[tuple[Get, Set]]


@asynccontextmanager
async def _ours() -> AsyncIterator[tuple[Get, Set]]:
    async with MemoryCache() as cache:
        yield cache.get, cache.set


@asynccontextmanager
async def _aiocache(*, isolated: bool) -> AsyncIterator[tuple[Get, Set]]:
    from aiocache import SimpleMemoryCache
    from aiocache.serializers import NullSerializer, PickleSerializer

    async with SimpleMemoryCache(
        serializer=PickleSerializer() if isolated else NullSerializer()
    ) as cache:
        yield cache.get, cache.set
        await cache.clear()


@asynccontextmanager
async def _cashews(*, isolated: bool) -> AsyncIterator[tuple[Get, Set]]:
    from cashews import Cache

    cache = Cache()
    cache.setup("mem://?size=100000", **({"pickle_type": "default"} if isolated else {}))
    await cache.init()

    try:
        yield cache.get, cache.set
    finally:
        await cache.close()


def _contender(name: str, make: Callable[[], Cache], *, writes: bool, value: Any) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with make() as (get, store):

            async def read(operations: int) -> None:
                for key in islice(cycle(_KEYS), operations):
                    await get(key)

            async def write(operations: int) -> None:
                for key in islice(cycle(_KEYS), operations):
                    await store(key, value, _TTL)

            await write(len(_KEYS))
            assert await get(_KEYS[0]) == value
            yield Work(run=write if writes else read)

    return Contender(name=name, open=opened)


def _question(operation: str, kind: str, value: Any, targets: dict[str, float]) -> Question:
    contenders: dict[str, Callable[[], Cache]] = {OURS: _ours}

    if isinstance(value, dict):
        contenders["cashews, pickle"] = partial(_cashews, isolated=True)
        contenders["aiocache, pickle"] = partial(_aiocache, isolated=True)

    contenders["cashews"] = partial(_cashews, isolated=False)
    contenders["aiocache"] = partial(_aiocache, isolated=False)
    writes = operation == "set"
    return Question(
        name=f"cache-{operation}-{kind}",
        asks=f"MemoryCache.{operation} of {kind} values with a ttl",
        contenders=tuple(
            _contender(name, make, writes=writes, value=value) for name, make in contenders.items()
        ),
        operations=_OPERATIONS,
        targets=targets,
    )


_DICT = {"cashews, pickle": 3.0, "aiocache, pickle": 15.0}
_SCALAR = {"cashews": 5.0, "aiocache": 20.0}

QUESTIONS = (
    _question("get", "dict", PLAIN, _DICT),
    _question("get", "int", 12345, _SCALAR),
    _question("get", "str", "user@example.com", _SCALAR),
    _question("set", "dict", PLAIN, {}),
    _question("set", "int", 12345, {}),
    _question("set", "str", "user@example.com", {}),
)
