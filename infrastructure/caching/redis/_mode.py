"""What a cache asks of the way in which it speaks to its servers: shared links, or a pool."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from ...interfaces.exceptions import ConnectionError
from ._request import Request
from ._signals import Refused, Signal
from ._sinks import Command

__all__ = ["UNANSWERED", "Mode", "Send"]

UNANSWERED = Ellipsis
"""Stands among replies where there is none yet."""


class Send(Protocol):
    """Sends a command for a key, and a lead just before it."""

    def __call__(
        self, name: str, command: Command, lead: Command | None = None, /
    ) -> Awaitable[Any]:
        """Return what gives the reply."""
        ...


class Mode(Protocol):
    """Runs requests.

    ``send`` is for one turn of the fast path: it gives an awaitable of the reply, which may end
    in a ``Signal`` or be a ``Refused``, or raises ``NotSent``. All of these go to ``settle``.
    """

    @property
    def send(self) -> Send:
        """What sends a command for a key."""
        ...

    def note_large(self, name: str) -> None:
        """Hear that the value of a key is large: it is to hold up no others."""
        ...

    def distrust(self, request: Request) -> ConnectionError:
        """Return the error of a reply that does not fit; nothing more of that link is believed."""
        ...

    async def open(self) -> None:
        """Connect; all or nothing."""
        ...

    async def beat(self) -> bool:
        """Return whether all links that may hold back a report of a change answer now."""
        ...

    async def drain(self) -> None:
        """Return when what is under way is answered."""
        ...

    def close(self) -> None:
        """Let go of everything at once."""
        ...

    def abandon(self) -> None:
        """Forget what a closed loop or a parent process owns, without touching it."""
        ...

    async def run(self, request: Request) -> Any:
        """Return the reply of a request, or raise ours; not the fast way."""
        ...

    async def change(self, name: str, lock: bytes, seconds: float) -> None:
        """Return when the key or its lease may have changed, after ``seconds`` at the latest."""
        ...

    async def settle(self, request: Request, why: Signal | Refused) -> Any:
        """Return the reply that the fast path did not bring, or raise ours."""
        ...

    async def many(
        self, requests: Sequence[Request], replies: list[Any] | None = None
    ) -> list[Any]:
        """Return for each request its reply or our error; they go out together.

        Who is cancelled meanwhile finds in ``replies`` what was answered, and ``UNANSWERED``.
        """
        ...

    async def scan(self, match: bytes, take: Callable[[list[bytes]], None]) -> bool:
        """Give ``take`` the keys that match, page by page; ``False``: begin again, things changed."""
        ...
