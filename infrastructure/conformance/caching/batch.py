"""C8: several keys in one call."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from ...interfaces import ConnectionError, ValidationError
from .._check import check
from .._expect import beside, equal, raises, turns
from .._harness import CachingHarness
from .._values import PROBES, same
from ._factory import soon
from ._passing import Passing

__all__ = [
    "C8_a_bad_part_is_refused_and_named",
    "C8_a_batch_that_is_cut_short_names_what_is_left",
    "C8_a_text_is_not_several_keys",
    "C8_delete_many_counts_live_keys",
    "C8_empty_batches_are_fine",
    "C8_get_many_gives_hits_only",
    "C8_large_batches_are_complete",
    "C8_nothing_changes_when_a_part_is_bad",
    "C8_set_many_stores_all_with_one_ttl",
]


@check(feature="batch")
async def C8_get_many_gives_hits_only(harness: CachingHarness) -> None:
    """The keys that are there with their values, a stored None too; a generator is fine."""
    async with harness.make() as cache:
        await cache.set("one", 1)
        await cache.set("none", None)
        await cache.set("short", 1, 1)
        await harness.advance(1.1)
        found = await cache.get_many(key for key in ("one", "none", "short", "nobody", "one"))
        equal(found, {"one": 1, "none": None})


@check(feature="batch")
async def C8_set_many_stores_all_with_one_ttl(harness: CachingHarness) -> None:
    """Every value with its exact type, as set stores it; ttl=None, a number and 0."""
    async with harness.make() as cache:
        await cache.set_many(PROBES)
        found = await cache.get_many(PROBES)
        equal(found.keys(), PROBES.keys())
        bent = [name for name, value in PROBES.items() if not same(found[name], value)]
        assert not bent, f"came back otherwise than they were stored: {bent}"
        passing = Passing(harness)
        await cache.set_many({"a": 1, "b": 2}, 60)
        passing.left(await cache.ttl("a"), 60)
        passing.left(await cache.ttl("b"), 60)
        await cache.set_many({"a": 3}, 0)
        assert await cache.exists("a") is False, "ttl=0 left the key"


@check(feature="batch")
async def C8_delete_many_counts_live_keys(harness: CachingHarness) -> None:
    """The number of live keys removed: not the missing, the expired, the repeated."""
    async with harness.make() as cache:
        await cache.set_many({"a": 1, "b": None, "c": 3})
        await cache.set("short", 1, 1)
        await harness.advance(1.1)
        equal(await cache.delete_many(["a", "b", "a", "short", "nobody"]), 2)
        equal(await cache.scan_keys("*"), ["c"])


@check(feature="batch")
async def C8_empty_batches_are_fine(harness: CachingHarness) -> None:
    """No keys: an empty answer, nothing done."""
    async with harness.make() as cache:
        equal(await cache.get_many([]), {})
        equal(await cache.delete_many([]), 0)
        await cache.set_many({})


@check(feature="batch")
async def C8_large_batches_are_complete(harness: CachingHarness) -> None:
    """Thousands of keys in one call are all stored, read and removed."""
    values = {f"key:{number}": number for number in range(3000)}

    async with harness.make() as cache:
        await cache.set_many(values)
        equal(await cache.get_many(values), values)
        equal(await cache.delete_many(values), 3000)
        equal(await cache.get_many(values), {})


@check(feature="batch")
async def C8_a_batch_that_is_cut_short_names_what_is_left(harness: CachingHarness) -> None:
    """Where a disconnect ends it, what it neither names as failed nor denies is stored."""
    values = {f"key:{number}": number for number in range(3000)}
    cache = harness.make()
    await cache.connect()
    batch = beside(cache.set_many(values))
    await turns(30)
    await cache.disconnect()
    (answer,) = await soon(asyncio.gather(batch, return_exceptions=True))
    assert answer is None or isinstance(answer, ConnectionError), f"the batch gave {answer!r}"

    async with cache:
        left = values.keys() - (await cache.get_many(values)).keys()

    denied = values.keys() if getattr(answer, "outcome", None) == "not_applied" else ()
    named = {*denied, *getattr(answer, "failed_keys", ())}
    assert left <= named, f"not stored, and not named as failed: {sorted(left - named)[:3]}"
    assert left >= set(denied), "it said that nothing was stored"


async def _refused(harness: CachingHarness) -> dict[str, Any]:
    async with harness.make() as cache:
        await cache.set("a", "old")
        bad: Any = ["a", ""]
        await raises(ValidationError, lambda: cache.get_many(bad), "get_many with an empty key")
        await raises(ValidationError, lambda: cache.delete_many(["b", ""]), "delete_many")
        await raises(ValidationError, lambda: cache.set_many({"a": 1, "": 2}), "set_many")
        await raises(ValidationError, lambda: cache.set_many({"a": 1}, -1), "set_many, ttl=-1")
        call = lambda: cache.set_many({"a": 1, "b": object(), "c": 3})  # noqa: E731 - used once
        error = await raises(ValidationError, call, "set_many of an object")
        return {"error": error, "a": await cache.get("a"), "c": await cache.exists("c")}


@check(feature="batch")
async def C8_a_bad_part_is_refused_and_named(harness: CachingHarness) -> None:
    """A bad key, value or ttl anywhere in a batch is a ValidationError; what follows is not done."""
    after = await _refused(harness)
    named, outcome = after["error"].failed_keys, after["error"].outcome
    assert "a" not in named or after["a"] == "old", (
        f"'a' is named as failed and was stored: {named}"
    )
    assert after["c"] is False, "a key behind the bad one was stored"
    told = "b" in named and outcome == "unknown"
    assert told or after["a"] == "old", f"stored in part: failed_keys={named}, {outcome=}"


@check(feature="strict_batch")
async def C8_nothing_changes_when_a_part_is_bad(harness: CachingHarness) -> None:
    """All keys and values are validated before the first is touched: ``not_applied``."""
    after = await _refused(harness)
    assert after["a"] == "old", "a part was stored before the bad one was found"
    assert after["error"].outcome == "not_applied", f"outcome={after['error'].outcome!r}"


@check(feature="batch")
async def C8_a_text_is_not_several_keys(harness: CachingHarness) -> None:
    """ValidationError: its letters are not what was meant; nor is a list a mapping."""
    wrong: Any = ("ab", b"ab", 5)

    async with harness.make() as cache:
        await cache.set("a", 1)

        for keys in wrong:
            await raises(ValidationError, partial(cache.get_many, keys), f"get_many({keys!r})")
            await raises(
                ValidationError, partial(cache.delete_many, keys), f"delete_many({keys!r})"
            )

        await raises(ValidationError, lambda: cache.set_many(wrong[:1]), "set_many of a tuple")
        equal(await cache.get("a"), 1)
