"""Does the codec keep up with pickle, in time and in size?

An operation encodes and decodes every value of a set: the probes of the conformance suite (each
a corner at which some serialiser bends the type), a plain dict, a dict of rich types. pickle is
called directly, with protocol 5. The codec refuses foreign types and damaged data; pickle runs
what it reads.
"""

from __future__ import annotations

import pickle  # noqa: TID251 - the peer
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from infrastructure._core.codec import decode, encode
from infrastructure.conformance._values import PROBES

from ._question import OURS, Contender, Fact, Question, Work
from ._values import PLAIN, RICH

__all__ = ["FACTS", "QUESTIONS"]

_PICKLE = "pickle"
_dump = partial(pickle.dumps, protocol=5)

_SETS: dict[str, Sequence[Any]] = {
    "probes": tuple(PROBES.values()),
    "plain": (PLAIN,),
    "rich": (RICH,),
}


def _contender(
    name: str, write: Callable[[Any], bytes], read: Callable[[bytes], Any], values: Sequence[Any]
) -> Contender:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async def run(operations: int) -> None:
            for _ in range(operations):
                for value in values:
                    read(write(value))

        yield Work(run=run)

    return Contender(name=name, open=opened)


def _question(kind: str, values: Sequence[Any]) -> Question:
    return Question(
        name=f"codec-{kind}",
        asks=f"encode and decode: {kind}",
        contenders=(
            _contender(OURS, encode, decode, values),
            _contender(_PICKLE, _dump, pickle.loads, values),
        ),
        operations=20_000 // len(values),
        targets={_PICKLE: 1.0},
    )


def _sizes(values: Sequence[Any]) -> tuple[float, float]:
    ours, theirs = ([len(write(value)) for value in values] for write in (encode, _dump))
    return sum(ours), sum(theirs)


QUESTIONS = tuple(_question(kind, values) for kind, values in _SETS.items())
FACTS = tuple(
    Fact(
        name=f"codec-size-{kind}",
        asks=f"encoded bytes: {kind}",
        peer=_PICKLE,
        unit="bytes",
        measure=partial(_sizes, values),
        most=0.7,
    )
    for kind, values in _SETS.items()
)
