"""How fast is a get that a near cache answers, without asking the server?

Ours (``near_entries=``) gives each caller a copy of his own, by msgpack in C; cashews
(``client_side=True``) hands the same object to all. Both have the server report what others
change. 1,000 keys, all of them read before; a dict of about 100 bytes, and a scalar.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import cycle, islice
from typing import Any

from ._question import OURS, Contender, Question, Work
from ._redis import Opener, cashews, ours, server
from ._values import PLAIN

__all__ = ["QUESTIONS"]

_KEYS = [f"item:{number}" for number in range(1000)]
_OPERATIONS = 50_000


def _contender(name: str, opener: Opener, value: Any) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with server() as port, opener(port) as calls:

            async def read(operations: int) -> None:
                for key in islice(cycle(_KEYS), operations):
                    await calls.get(key)

            for key in _KEYS:
                await calls.set(key, value)

            await read(len(_KEYS))
            assert await calls.get(_KEYS[0]) == value
            yield Work(run=read)

    return Contender(name=name, open=opened)


def _question(kind: str, value: Any) -> Question:
    return Question(
        name=f"redis-near-{kind}",
        asks=f"RedisCache.get of {kind} values that its near cache holds",
        contenders=(
            _contender(OURS, ours(near_entries=10_000), value),
            _contender("cashews", partial(cashews, client_side=True), value),
        ),
        operations=_OPERATIONS,
        targets={"cashews": 5.0},
    )


QUESTIONS = (_question("dict", PLAIN), _question("str", "user@example.com"))
