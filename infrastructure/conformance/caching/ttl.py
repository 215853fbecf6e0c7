"""C4 and C5: when keys expire, and what ttl says until then."""

from __future__ import annotations

from typing import Any

from ...interfaces import ValidationError
from .._check import check
from .._expect import equal, exactly, raises
from .._harness import CachingHarness
from ._passing import Passing

__all__ = [
    "C4_a_bad_ttl_is_refused",
    "C4_a_key_expires_after_its_ttl",
    "C4_each_key_expires_at_its_own_time",
    "C4_set_with_ttl_replaces_an_earlier_one",
    "C4_set_without_ttl_clears_an_earlier_one",
    "C4_ttl_zero_removes_the_key",
    "C5_the_longest_ttl_is_kept",
    "C5_ttl_is_none_without_expiry",
    "C5_ttl_is_rounded_up",
]

_LONGEST = 2**31 - 1


@check()
async def C4_a_key_expires_after_its_ttl(harness: CachingHarness) -> None:
    """An expired key is a miss to every method; one without expiry stays."""
    async with harness.make() as cache:
        passing = Passing(harness)
        await cache.set("short", 1, 1)
        await cache.set("long", 2, 60)
        await cache.set("ever", 3)
        passing.lives(await cache.get("short"), 1)
        await passing.advance(1.1)
        assert await cache.get("short") is None, "it outlived its ttl"
        exactly(await cache.exists("short"), False)
        exactly(await cache.ttl("short"), None)
        assert await cache.delete("short") is False, "an expired key was removed as a live one"
        equal(sorted(await cache.scan_keys("*")), ["ever", "long"])
        equal([await cache.get("long"), await cache.get("ever")], [2, 3])


@check()
async def C4_each_key_expires_at_its_own_time(harness: CachingHarness) -> None:
    """Reading extends none; those set later outlive the first, and are then a miss to each method."""
    # Each is asked by one method only: the first that looks may be the one that removes it.
    later = ["by get", "by exists", "by ttl", "by delete", "by scan_keys"]

    async with harness.make() as cache:
        passing = Passing(harness)
        await cache.set("first", 1, 1)
        await passing.advance(0.6)
        passing.lives(await cache.get("first"), 1)
        passing = Passing(harness)

        for key in later:
            await cache.set(key, 1, 1)

        await passing.advance(0.6)
        found = await cache.scan_keys("*")
        # Where it took so long some may be gone.
        living = [key for key in later if key in found or passing.most < 1]
        equal(sorted(found), sorted(living))
        await passing.advance(0.6)
        exactly(await cache.get("by get"), None)
        exactly(await cache.exists("by exists"), False)
        exactly(await cache.ttl("by ttl"), None)
        assert await cache.delete("by delete") is False, "an expired key was removed as a live one"
        equal(await cache.scan_keys("*"), [])


@check()
async def C4_set_without_ttl_clears_an_earlier_one(harness: CachingHarness) -> None:
    """``ttl=None`` stores without expiry, whatever the key had."""
    async with harness.make() as cache:
        await cache.set("key", 1, 1)
        await cache.set("key", 2)
        assert await cache.ttl("key") is None, "the earlier ttl is still there"
        await harness.advance(1.1)
        assert await cache.get("key") == 2, "it expired by the earlier ttl"


@check()
async def C4_set_with_ttl_replaces_an_earlier_one(harness: CachingHarness) -> None:
    """The last ttl counts, a longer and a shorter one."""
    async with harness.make() as cache:
        await cache.set("longer", 1, 1)
        await cache.set("longer", 2, 100)
        await cache.set("shorter", 1, 100)
        await cache.set("shorter", 2, 1)
        await harness.advance(1.1)
        assert await cache.get("longer") == 2, "the first, shorter ttl counted"
        assert await cache.get("shorter") is None, "the first, longer ttl counted"


@check()
async def C4_ttl_zero_removes_the_key(harness: CachingHarness) -> None:
    """``ttl=0`` means already expired: the key is gone, an old value too."""
    async with harness.make() as cache:
        await cache.set("new", 1, 0)
        await cache.set("old", 1)
        await cache.set("old", 2, 0)

        for key in ("new", "old"):
            assert await cache.exists(key) is False, f"{key} is there after ttl=0"
            exactly(await cache.get(key), None)

        await raises(ValidationError, lambda: cache.set("bad", object(), 0), "an object, ttl=0")


@check()
async def C4_a_bad_ttl_is_refused(harness: CachingHarness) -> None:
    """Negative, larger than 2**31-1, bool, float or text: ValidationError, nothing stored."""
    bad: tuple[Any, ...] = (-1, 2**31, 2**63, True, False, 1.5, 1.0, "1", b"1", float("nan"))

    async with harness.make() as cache:
        for ttl in bad:
            await raises(ValidationError, lambda ttl=ttl: cache.set("key", 1, ttl), f"ttl={ttl!r}")  # type: ignore[misc]  # bound at once

        assert await cache.exists("key") is False, "a refused ttl stored the value"


@check()
async def C5_ttl_is_none_without_expiry(harness: CachingHarness) -> None:
    """A missing key and one without expiry both give None; exists tells them apart."""
    async with harness.make() as cache:
        await cache.set("key", 1)
        exactly(await cache.ttl("key"), None)
        exactly(await cache.ttl("nobody"), None)
        equal([await cache.exists("key"), await cache.exists("nobody")], [True, False])


@check()
async def C5_ttl_is_rounded_up(harness: CachingHarness) -> None:
    """The seconds left, rounded up: a live key never shows 0."""
    async with harness.make() as cache:
        passing = Passing(harness)
        await cache.set("key", 1, 3)
        passing.left(await cache.ttl("key"), 3)
        await passing.advance(0.5)
        passing.left(await cache.ttl("key"), 3)
        await passing.advance(2.0)
        passing.left(await cache.ttl("key"), 3)
        exactly(await cache.exists("key") or passing.most >= 3, True)


@check()
async def C5_the_longest_ttl_is_kept(harness: CachingHarness) -> None:
    """2**31-1 seconds are stored and read as such."""
    async with harness.make() as cache:
        await cache.set("key", 1, _LONGEST)
        assert await cache.ttl("key") in (_LONGEST, _LONGEST - 1)
        equal(await cache.get("key"), 1)
