"""Looks at every key without holding the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ._store import Store
from ._sweep import STEP

__all__ = ["scan"]

_AT_ONCE = 128


async def scan(
    store: Store,
    matches: Callable[[str], bool],
    check: Callable[[], None],
) -> list[str]:
    """Return the live keys that match; about each millisecond others run, then ``check`` does."""
    found: list[str] = []
    until = time.perf_counter() + STEP

    for shard in store.shards:
        # A copy of the keys: others may write at every pause. The entry is looked up late, so
        # that a key which was stored anew meanwhile counts by what it is now.
        keys = list(shard)

        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            found += [key for key in part if matches(key) and store.find(key) is not None]

            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                check()
                until = time.perf_counter() + STEP

    return found
