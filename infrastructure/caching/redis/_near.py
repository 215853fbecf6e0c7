"""The near cache: values that this process keeps as long as the server would tell it of a change."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any

from ..._core.frozen import Frozen, freeze, size_in_memory
from ..._core.tasks import logger
from ...interfaces.exceptions import InfrastructureError
from .stats import NearStats

__all__ = ["Kept", "Near"]

_FRESH = 1.0
"""Seconds since the asking of the last answered question for which hits are served."""

_EVERY = 0.3
"""Seconds between two questions."""

_ROOM = 512 * 2**20
"""Bytes of all values together, as of a memory cache."""

_CHANCES = 16
"""Values that are passed over for one that goes: were all in use, the loop would be held."""

Beat = Callable[[], Awaitable[bool]]


class Kept:
    """A value that is kept, or will be: then it is the ticket of who reads it.

    ``thaw`` gives a copy of it, where it could be changed.
    """

    __slots__ = ("asked", "era", "expires", "size", "thaw", "used", "value")

    def __init__(self, era: object) -> None:
        self.era = era
        self.asked = monotonic()
        self.expires = math.inf
        self.size = self.used = 0
        self.value: Any = None
        self.thaw: Callable[[], Any] | None = None


class Near:
    """The values of keys, and which of them are still those of the server.

    A value is served from the answer of a read until the server, the clock or an own write
    says otherwise. Whoever reads takes a ticket before; a change in between takes it away, and
    what was read then is not kept. The server reports changes on the link on which the value
    was read, in the order of the stream; so when it has answered a question, all changes from
    before the question are known. ``beat`` asks; without an answer nothing is served, then all
    is forgotten.

    ``prefix``   before each key in what the server reports.
    ``entries``  values that are kept; the oldest that are not used go first.
    """

    def __init__(self, prefix: str, entries: int) -> None:
        self.until = -math.inf
        """The instant of ``time.monotonic()`` up to which hits are served."""
        self.hits = self.drops = self.flushes = 0
        self._prefix = prefix
        self._entries = entries
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._tickets: dict[str, Kept] = {}
        # Values of another era are not served: to let go of all at once would hold the loop.
        self._era = object()
        self._live = self._size = 0

    @property
    def stats(self) -> NearStats:
        """The counters."""
        entries = self._live if monotonic() < self.until else 0
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

    def find(self, key: str) -> Any | None:
        """Return a value that may be served, the caller's own, or ``None``."""
        # As valid, written out: this is the way that counts. Nothing but a checked str is found.
        kept = self._kept.get(key) if type(key) is str else None

        if kept is None or kept.era is not self._era:
            return None

        # Both instants are yet to come, by one look at the clock.
        if not self.until > monotonic() < kept.expires:
            return None

        self.hits = kept.used = self.hits + 1
        thaw = kept.thaw
        return kept.value if thaw is None else thaw()

    async def fetch(self, key: str) -> Any | None:
        """Return a value that may be served and must be waited for, or ``None``."""
        return None

    def valid(self, key: str) -> Kept | None:
        """Return what is kept of a key and still that of the server."""
        kept = self._kept.get(key)

        if kept is None or kept.era is not self._era:
            return None

        return kept if self.until > monotonic() < kept.expires else None

    def ticket(self, key: str) -> Kept:
        """Return what allows to keep the value that is read next."""
        ticket = self._tickets[key] = Kept(self._era)
        return ticket

    async def keep(self, key: str, ticket: Kept, value: Any, milliseconds: int) -> None:
        """Keep a value that was read, for the time that the server would; -1 is for ever."""
        try:
            if value is None or milliseconds == 0 or self._tickets.get(key) is not ticket:
                return

            kept = await self._fill(key, ticket, value, milliseconds)

            # It may have taken its time: the change may have come meanwhile.
            if kept and self._tickets.get(key) is ticket:
                self._put(key, ticket)
        except InfrastructureError as exc:
            # Who fails, or has no room, harms nobody: the server has the value.
            logger.debug("near cache: a value was not kept: %s", exc)
        finally:
            self.give_back(key, ticket)

    def give_back(self, key: str, ticket: Kept) -> None:
        """Hear that nothing is kept by this ticket any more: there are as many as readers."""
        if self._tickets.get(key) is ticket:
            del self._tickets[key]

    def drop(self, key: str) -> None:
        """Serve the value no more."""
        self._tickets.pop(key, None)

        if (kept := self._kept.get(key)) is not None:
            self.drops += kept.era is self._era
            self.forget(key)

    def forget(self, key: str) -> None:
        """Let go of what is kept of a key."""
        if (kept := self._kept.pop(key, None)) is not None:
            self._let_go(kept)

    def changed(self, names: Iterable[bytes] | None) -> None:
        """Hear from the server that keys were changed; ``None``: it may have been any."""
        if names is None:
            self.flush()
            return

        for each in names:
            # What is not UTF-8 is nobody's key here.
            name = each.decode(errors="replace")

            if name.startswith(self._prefix):
                self.drop(name[len(self._prefix) :])

    async def open(self) -> None:
        """Begin with nothing: what was kept before was read on other links."""
        self.until = -math.inf
        self.flush()

    async def close(self) -> None:
        """Give back the memory."""
        self.flush()
        self._kept.clear()
        self._size = 0

    def flush(self) -> None:
        """Serve nothing of all this any more."""
        self._tickets.clear()
        self.flushes += self._live > 0
        self._era = object()
        self._live = 0

    async def _fill(self, key: str, kept: Kept, value: Any, milliseconds: int) -> bool:
        """Put the value where it is kept; return whether it is."""
        kept.value = freeze(value)
        kept.thaw = kept.value.thaw if isinstance(kept.value, Frozen) else None
        kept.size = size_in_memory(kept.value)

        # From before the reading: the server counted from a later instant.
        if milliseconds != -1:
            kept.expires = kept.asked + milliseconds / 1000

        return True

    def _put(self, key: str, kept: Kept) -> None:
        self.forget(key)
        self._kept[key] = kept
        self._live += 1
        self._size += kept.size

        while len(self._kept) > self._entries or self._size > _ROOM:
            self._evict()

    def _evict(self) -> None:
        """Let go of the oldest value that was not used since it was last looked at here."""
        key, kept = self._kept.popitem(last=False)
        chances = _CHANCES

        while kept.used and chances:
            kept.used, chances = 0, chances - 1
            self._kept[key] = kept
            key, kept = self._kept.popitem(last=False)

        self._let_go(kept)

    def _let_go(self, kept: Kept) -> None:
        self._size -= kept.size
        self._live -= kept.era is self._era
