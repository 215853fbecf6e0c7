"""The near cache: values that this process keeps as long as the server would tell it of a change."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from ..._core.names import MAX_KEY
from ..._core.tasks import logger
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import InfrastructureError
from ..memory import MemoryCache
from .stats import NearStats

__all__ = ["Near", "make_near"]

_FRESH = 1.0
"""Seconds since the asking of the last answered question for which hits are served."""

_MOST = 100_000
"""Values that are kept in a store whose size nobody told."""

_LONGEST = MAX_KEY // 4
"""Characters of a name that is kept: with the prefix it may be longer than a key."""

_EVERY = 0.3
"""Seconds between two questions."""

Beat = Callable[[], Awaitable[bool]]


class Near:
    """Which values of ``store`` are still those of the server.

    A name is ``valid`` from the answer of a read until the server, the clock or an own write
    says otherwise. Whoever reads takes a ticket before; a change in between takes it away, and
    what was read then is not kept. The server reports changes on the link on which the value
    was read, in the order of the stream; so when it has answered a question, all changes from
    before the question are known. ``beat`` asks; without an answer nothing is served, then all
    is forgotten.
    """

    def __init__(self, store: CachingInterface, entries: int, *, owned: bool) -> None:
        self.store = store
        self._owned = owned
        self.valid: set[str] = set()
        self.until = -math.inf
        """The instant of ``time.monotonic()`` up to which hits are served."""
        self.hits = self.drops = self.flushes = 0
        self._entries = entries
        self._tickets: dict[str, object] = {}

    @property
    def stats(self) -> NearStats:
        """The counters."""
        entries = len(self.valid) if monotonic() < self.until else 0
        return NearStats(entries=entries, hits=self.hits, drops=self.drops, flushes=self.flushes)

    async def watch(self, beat: Beat) -> None:
        """Ask all links again and again whether they still answer."""
        while True:
            asked = monotonic()

            if await beat():
                self.until = asked + _FRESH
            elif monotonic() >= self.until:
                self.flush()

            await asyncio.sleep(_EVERY)

    async def get(self, name: str) -> Any | None:
        """Return a value that is valid, or ``None``."""
        value = None

        with _unharmed("read"):
            value = await self.store.get(name)

        if value is None:
            self.valid.discard(name)
        else:
            self.hits += 1

        return value

    def ticket(self, name: str) -> object:
        """Return what allows to keep the value that is read next."""
        ticket = self._tickets[name] = object()
        return ticket

    async def keep(self, name: str, ticket: object, value: Any, milliseconds: int) -> None:
        """Keep a value that was read, for the time that the server would; -1 is for ever."""
        seconds = None if milliseconds == -1 else milliseconds // 1000

        try:
            if value is None or seconds == 0 or len(name) > _LONGEST:
                return

            if self._tickets.get(name) is not ticket:
                return

            with _unharmed("written"):
                await self.store.set(name, value, seconds)

                # A store may take its time: the change may have come meanwhile.
                if self._tickets.get(name) is ticket:
                    self._make_room()
                    self.valid.add(name)
        finally:
            if self._tickets.get(name) is ticket:
                del self._tickets[name]

    def drop(self, name: str) -> None:
        """Serve the value no more."""
        self._tickets.pop(name, None)

        if name in self.valid:
            self.valid.discard(name)
            self.drops += 1

    def changed(self, names: Iterable[bytes] | None) -> None:
        """Hear from the server that keys were changed; ``None``: it may have been any."""
        if names is None:
            self.flush()
            return

        for name in names:
            # What is not UTF-8 is nobody's key here.
            self.drop(name.decode(errors="replace"))

    async def open(self) -> None:
        """Begin with nothing: what was kept before was read on other links."""
        self.until = -math.inf
        self.flush()
        await self.store.connect()

    async def close(self) -> None:
        """Give back the store's memory; one that was handed to us is not ours to close."""
        self.flush()

        if self._owned:
            await self.store.disconnect()

    def flush(self) -> None:
        """Serve nothing of all this any more."""
        self._tickets.clear()

        if self.valid:
            self.valid.clear()
            self.flushes += 1

    def _make_room(self) -> None:
        # The store forgets the least recently used; its names stay here until they are asked
        # for. When they have become many, any of them goes: it is read once more.
        while len(self.valid) >= self._entries:
            self.valid.pop()


@contextmanager
def _unharmed(what: str) -> Iterator[None]:
    """Let a store that fails, or has no room for a value, harm nobody: the server has it."""
    try:
        yield
    except InfrastructureError as exc:
        logger.debug("near cache: a value was not %s: %s", what, exc)


def make_near(store: CachingInterface | None, entries: int) -> Near | None:
    """Return the near cache that the options ask for, ``None`` where they ask for none."""
    if entries:
        return Near(MemoryCache("memory://", max_entries=entries), entries, owned=True)

    return None if store is None else Near(store, _MOST, owned=False)
