"""A near cache whose values are in another cache, which its owner opened and others may use too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from ..._core.deadline import Limit, deadline
from ..._core.names import MAX_KEY
from ..._core.tasks import logger
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import InfrastructureError, ValidationError
from ._near import Kept, Near

__all__ = ["NearStore", "make_near"]

_MOST = 100_000
"""Values that are kept in a store whose size nobody told."""

_LONGEST = MAX_KEY // 4
"""Characters of a name that is kept: with the prefix it may be longer than a key."""

_PATIENCE = 0.1
"""Seconds for which a store is waited for: the server is the faster one then."""

_LONGEST_STAY = 3600
"""Seconds after which a store may forget: what a process that is gone left there must end."""


class NearStore(Near):
    """Knows which values of ``store`` are still those of the server.

    Validity is here, beside the store: a report counts in the turn in which it arrives, however
    long the store's own ``delete`` takes. What it has forgotten by itself is read once more.
    The names there are its own: what another cache, or the store's owner, puts in under the
    name of a key is not what was read here.
    """

    def __init__(self, prefix: str, store: CachingInterface) -> None:
        super().__init__(prefix, _MOST)
        self._store = store
        self._filling: set[str] = set()
        self._own = self._names()

    def find(self, key: str) -> Any | None:
        """Return ``None``: a store must be waited for."""
        return None

    async def fetch(self, key: str) -> Any | None:
        """Return a value that may be served, or ``None``."""
        if self.valid(key) is None:
            return None

        value = None

        try:
            async with _patience():
                value = await self._store.get(self._own + key)
        except InfrastructureError as exc:
            # A store that fails harms nobody: the server has the value.
            logger.debug("near cache: a value was not read: %s", exc)

        if value is None:
            self.forget(key)
        else:
            self.hits += 1

        return value

    async def open(self) -> None:
        """Begin with nothing, and with the store open."""
        await super().open()
        self._own = self._names()
        await self._store.connect()

    async def _fill(self, key: str, kept: Kept, value: Any, milliseconds: int) -> bool:
        name = self._own + key
        seconds = _LONGEST_STAY if milliseconds == -1 else min(milliseconds // 1000, _LONGEST_STAY)

        # Of two that are under way at once the older may arrive last.
        if seconds <= 0 or len(name) > _LONGEST or name in self._filling:
            return False

        self._filling.add(name)

        try:
            async with _patience():
                await self._store.set(name, value, seconds)
        except ValidationError:
            # As the codec of the store will have it: nothing was sent.
            return False
        except BaseException:
            # It may arrive yet, behind a newer one: under a name that nobody asks for any more.
            self._own = self._names()
            self.flush()
            raise
        finally:
            self._filling.discard(name)

        return True

    def _names(self) -> str:
        return f"{self._prefix}{uuid4().hex}:"


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """Let a store hurry, and end a call of one that does not."""
    with deadline(_PATIENCE):
        async with Limit("near cache"):
            yield


def make_near(prefix: str, store: CachingInterface | None, entries: int) -> Near | None:
    """Return the near cache that the options ask for, ``None`` where they ask for none."""
    if entries:
        return Near(prefix, entries)

    return None if store is None else NearStore(prefix, store)
