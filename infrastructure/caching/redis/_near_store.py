"""A near cache whose values are in another cache, which its owner opened and others may use too."""

from __future__ import annotations

from typing import Any

from ..._core.names import MAX_KEY
from ..._core.tasks import logger
from ...interfaces.caching import CachingInterface
from ...interfaces.exceptions import InfrastructureError
from ._near import Kept, Near

__all__ = ["NearStore", "make_near"]

_MOST = 100_000
"""Values that are kept in a store whose size nobody told."""

_LONGEST = MAX_KEY // 4
"""Characters of a name that is kept: with the prefix it may be longer than a key."""


class NearStore(Near):
    """Knows which values of ``store`` are still those of the server.

    Validity is here, beside the store: a report counts in the turn in which it arrives, however
    long the store's own ``delete`` takes. What it has forgotten by itself is read once more.
    """

    def __init__(self, prefix: str, store: CachingInterface) -> None:
        super().__init__(prefix, _MOST)
        self._store = store

    def find(self, key: str) -> Any | None:
        """Return ``None``: a store must be waited for."""
        return None

    async def fetch(self, key: str) -> Any | None:
        """Return a value that may be served, or ``None``."""
        if self.valid(key) is None:
            return None

        value = None

        try:
            value = await self._store.get(self._prefix + key)
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
        await self._store.connect()

    async def _fill(self, key: str, kept: Kept, value: Any, milliseconds: int) -> bool:
        name = self._prefix + key
        seconds = None if milliseconds == -1 else milliseconds // 1000

        if seconds == 0 or len(name) > _LONGEST:
            return False

        await self._store.set(name, value, seconds)
        return True


def make_near(prefix: str, store: CachingInterface | None, entries: int) -> Near | None:
    """Return the near cache that the options ask for, ``None`` where they ask for none."""
    if entries:
        return Near(prefix, entries)

    return None if store is None else NearStore(prefix, store)
