"""C1: which keys there are, and that each is kept as it is."""

from __future__ import annotations

import unicodedata
from typing import Any

from ...interfaces import CachingInterface, ValidationError
from .._check import check
from .._expect import equal, raises
from .._harness import CachingHarness

__all__ = [
    "C1_a_bad_key_is_refused_everywhere",
    "C1_a_key_of_64_kib_is_kept",
    "C1_keys_are_case_sensitive_and_never_trimmed",
    "C1_keys_are_not_normalised",
    "G11_a_key_over_64_kib_is_refused",
]

_ODD = (
    "a b",
    " a",
    "a ",
    "A",
    "a",
    "a\n",
    "a\x00b",
    "*",
    "[a",
    "\\",
    "user:{1}",
    "می\u200cروم",
    "😀",
)


async def _refused(cache: CachingInterface, key: Any) -> None:
    calls = {
        "get": lambda: cache.get(key),
        "set": lambda: cache.set(key, 1),
        "delete": lambda: cache.delete(key),
        "exists": lambda: cache.exists(key),
        "ttl": lambda: cache.ttl(key),
    }

    for name, call in calls.items():
        await raises(ValidationError, call, f"{name} of the key {key!a:.40}")


@check()
async def C1_a_bad_key_is_refused_everywhere(harness: CachingHarness) -> None:
    """An empty key, another type or a lone surrogate is a ValidationError in every method."""
    async with harness.make() as cache:
        for key in ("", None, 1, b"key", ("a",), "a\ud800"):
            await _refused(cache, key)

        assert await cache.scan_keys("*") == [], "a refused key was stored"


@check()
async def G11_a_key_over_64_kib_is_refused(harness: CachingHarness) -> None:
    """The bound is 65,536 bytes in UTF-8, not characters."""
    async with harness.make() as cache:
        await _refused(cache, "k" * 65537)
        await _refused(cache, "ک" * 32769)


@check()
async def C1_a_key_of_64_kib_is_kept(harness: CachingHarness) -> None:
    """65,536 bytes in UTF-8 are allowed."""
    async with harness.make() as cache:
        for key in ("k" * 65536, "ک" * 32768):
            await cache.set(key, len(key))
            equal(await cache.get(key), len(key))


@check()
async def C1_keys_are_case_sensitive_and_never_trimmed(harness: CachingHarness) -> None:
    """Keys that look alike stay apart, and come out of scan_keys as they went in."""
    async with harness.make() as cache:
        for number, key in enumerate(_ODD):
            await cache.set(key, number)

        for number, key in enumerate(_ODD):
            found = await cache.get(key)
            assert found == number, f"the key {key!r} gave {found!r}, not {number}"

        equal(sorted(await cache.scan_keys("*")), sorted(_ODD))


@check()
async def C1_keys_are_not_normalised(harness: CachingHarness) -> None:
    """Composed and decomposed text are two keys; a zero-width non-joiner counts."""
    async with harness.make() as cache:
        for one in ("é", "آ"):
            other = unicodedata.normalize("NFD", one)
            await cache.set(one, "composed")
            assert await cache.get(other) is None, f"{other!a} found what {one!a} stored"

        await cache.set("می\u200cروم", 1)
        assert await cache.get("میروم") is None, "the zero-width non-joiner was dropped"
