"""What a benchmark asks: who does how many operations, and which ratio is the target."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from ._verdict import STALL_TARGET

__all__ = ["OURS", "Contender", "Fact", "Opening", "Question", "Work"]

OURS = "ours"
"""The name of the contender whose ratio to the others is the answer."""


async def nothing() -> None:
    """Leave everything as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A contender that is open: it does ``run(n)`` operations and returns when they are done.

    ``run``    returns a ``float`` where the question asks for a latency: the seconds of it.
    ``reset``  brings it back to where each run begins; its time is not counted.
    """

    run: Callable[[int], Awaitable[object]]
    reset: Callable[[], Awaitable[object]] = nothing


Opening = Callable[[], AbstractAsyncContextManager[Work]]
"""What opens a contender: a function under ``contextlib.asynccontextmanager``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """Somebody who answers the question.

    ``operations``  in a run, where they are others than the question's: time is compared for
                    each operation, so a contender a hundred times slower may do fewer.
    """

    name: str
    open: Opening
    operations: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A race of ours against its peers.

    ``name``        what ``ONLY=`` selects.
    ``asks``        one sentence.
    ``contenders``  ours among them; who is there alone is not timed, only looked at for stalls.
    ``operations``  of a run.
    ``targets``     how many times as fast as a peer ours is to be.
    ``turn``        operations between two turns of the loop while stalls are looked for: what
                    never waits would otherwise hold the loop as long as the caller's own loop.
    ``passes``      while stalls are looked for; what other processes add is not in all of them.
    ``stall``       seconds for which ours may hold the loop.
    ``latency``     whether the runs tell the time that counts, not how long they took.
    ``loop``        makes the event loop on which all contenders run, where it is not asyncio's.
    """

    name: str
    asks: str
    contenders: tuple[Contender, ...]
    operations: int
    targets: Mapping[str, float] = field(default_factory=dict)
    turn: int = 1
    passes: int = 3
    stall: float = STALL_TARGET
    latency: bool = False
    loop: Callable[[], AbstractEventLoop] | None = None

    @property
    def ours(self) -> Contender:
        """The contender that is compared with each of the others."""
        return next(each for each in self.contenders if each.name == OURS)

    @property
    def peers(self) -> tuple[Contender, ...]:
        """The others."""
        return tuple(each for each in self.contenders if each.name != OURS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """A ratio of ours to a peer that takes no clock: the less, the better.

    ``most``     that it may be.
    ``measure``  returns ours and the peer's, in ``unit``.
    """

    name: str
    asks: str
    peer: str
    unit: str
    measure: Callable[[], tuple[float, float]]
    most: float | None = None
