"""How a call ended, within its time."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Ending", "NoEnd", "ended", "named"]


@dataclass(frozen=True)
class Ending:
    """What a call gave, or its error, and the seconds until then."""

    value: Any
    error: BaseException | None
    seconds: float

    def __str__(self) -> str:
        if isinstance(self.error, NoEnd):
            return str(self.error)

        if self.error is None:
            return f"succeeds, {self.seconds:.2g} s"

        outcome = getattr(self.error, "outcome", None)
        told = f" (outcome {outcome})" if outcome else ""
        return f"{type(self.error).__name__}{told}, {self.seconds:.2g} s"


class NoEnd(builtins.TimeoutError):
    """The call was given up."""


async def ended(call: Callable[[], Awaitable[Any]], longest: float = 20.0) -> Ending:
    """Return how a call ended; after ``longest`` seconds it is given up."""
    begun = time.monotonic()
    task = asyncio.ensure_future(call())
    done, _ = await asyncio.wait({task}, timeout=longest)
    seconds = time.monotonic() - begun

    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        return Ending(None, NoEnd(f"no end in {longest:g} s"), seconds)

    if task.cancelled():
        return Ending(None, asyncio.CancelledError(), seconds)

    error = task.exception()
    return Ending(None if error else task.result(), error, seconds)


def named(errors: list[BaseException]) -> str:
    """Return the names of their classes, in brackets."""
    names = sorted({type(error).__name__ for error in errors})
    return f" ({', '.join(names)})" if names else ""
