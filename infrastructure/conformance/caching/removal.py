"""C6: what delete and exists say."""

from __future__ import annotations

from typing import Any

from .._check import check
from .._expect import equal, exactly
from .._harness import CachingHarness

__all__ = ["C6_delete_is_true_for_a_live_key_only", "C6_set_after_delete_stores_anew"]


@check()
async def C6_delete_is_true_for_a_live_key_only(harness: CachingHarness) -> None:
    """True exactly when a live key was removed, whatever its value; then it is gone."""
    async with harness.make() as cache:
        exactly(await cache.delete("key"), False)

        values: tuple[Any, ...] = (0, "", None, [], "text")

        for value in values:
            await cache.set("key", value)
            assert await cache.exists("key") is True, f"{value!r} does not exist"
            assert await cache.delete("key") is True, f"{value!r} was not removed"
            exactly(await cache.delete("key"), False)
            exactly(await cache.exists("key"), False)
            exactly(await cache.get("key"), None)


@check()
async def C6_set_after_delete_stores_anew(harness: CachingHarness) -> None:
    """Nothing of a deleted key comes back: no value, no ttl; nor does its removal come late."""
    async with harness.make() as cache:
        await cache.set("key", 1, 1)
        await cache.delete("key")
        await cache.set("key", 2)
        equal(await cache.get("key"), 2)
        assert await cache.ttl("key") is None, "the ttl of the deleted key came back"
        await harness.advance(1.1)
        assert await cache.get("key") == 2, "it went by the ttl of the deleted key"
