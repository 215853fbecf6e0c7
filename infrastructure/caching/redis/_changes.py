"""Tells who waits for a key that the server reported it as changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

__all__ = ["Changes"]


class Changes:
    """Those who wait, by the names of the keys in bytes."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, set[asyncio.Future[None]]] = {}

    def expect(self, *names: bytes) -> asyncio.Future[None]:
        """Return a future that is done at the next change of one of the keys; ``forget`` it."""
        future = asyncio.get_running_loop().create_future()

        for name in names:
            self._waiting.setdefault(name, set()).add(future)

        return future

    def forget(self, future: asyncio.Future[None], *names: bytes) -> None:
        """Expect it no more."""
        future.cancel()

        for name in names:
            if waiting := self._waiting.get(name):
                waiting.discard(future)

                if not waiting:
                    del self._waiting[name]

    def tell(self, names: Iterable[bytes] | None = None) -> None:
        """Wake those who wait for these keys; all of them where nobody knows which changed."""
        if not self._waiting:
            return

        for name in list(self._waiting) if names is None else names:
            for future in self._waiting.get(name, ()):
                if not future.done():
                    future.set_result(None)
