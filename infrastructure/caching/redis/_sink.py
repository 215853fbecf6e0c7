"""What takes the reply of a request on a link: its future, with an instant of its own or without."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

__all__ = ["Sink", "Timed"]


class Sink(Protocol):
    """Takes one reply: a future does."""

    def done(self) -> bool:
        """Return whether nobody waits for it any more."""
        ...

    def set_result(self, reply: Any, /) -> object:
        """Take the reply."""
        ...

    def set_exception(self, error: BaseException, /) -> object:
        """Take what came in its place."""
        ...


class Timed:
    """The future of a request with an instant of its own."""

    __slots__ = ("done", "expires", "set_exception", "set_result")

    def __init__(self, future: asyncio.Future[Any], expires: float) -> None:
        self.expires = expires
        self.done = future.done
        self.set_result = future.set_result
        self.set_exception = future.set_exception
