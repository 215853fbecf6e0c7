"""C7: which keys a pattern finds."""

from __future__ import annotations

import asyncio
from typing import Any

from ...interfaces import ValidationError, escape_pattern
from .._check import check
from .._expect import beside, raises, turns
from .._harness import CachingHarness

__all__ = [
    "C7_a_malformed_pattern_is_refused",
    "C7_a_pattern_matches_the_whole_key",
    "C7_classes_and_their_negation",
    "C7_escape_pattern_finds_exactly_its_text",
    "C7_every_key_comes_once_while_others_write",
    "C7_only_the_wildcards_are_special",
    "C7_patterns_count_characters_not_bytes",
]

_CASES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("*", ("a", "b:1", "\n"), ()),
    ("a*", ("a", "ab", "a\nb"), ("ba", "A")),
    ("*a", ("a", "ba"), ("ab", "a\n")),
    ("a*b*c", ("abc", "axbxc", "abbcc"), ("acb", "abcd", "ab")),
    ("a**c", ("ac", "abc"), ("a",)),
    ("ab*ba", ("abba", "abxba"), ("aba",)),
    ("*a*b*", ("aba", "xabx"), ("ba",)),
    ("h?llo", ("hello", "h\nllo", "hسllo"), ("hllo", "heello")),
    ("user:1", ("user:1",), ("user:10", "auser:1")),
    ("", (), ("a",)),
)


async def _found(harness: CachingHarness, pattern: str, keys: tuple[str, ...]) -> list[str]:
    async with harness.make() as cache:
        for key in keys:
            await cache.set(key, 1)

        found = sorted(await cache.scan_keys(pattern))

        for key in keys:
            await cache.delete(key)

        return found


async def _expect(
    harness: CachingHarness, pattern: str, hits: tuple[str, ...], others: tuple[str, ...]
) -> None:
    found = await _found(harness, pattern, hits + others)
    assert found == sorted(hits), f"{pattern!r} found {found}, expected {sorted(hits)}"


@check()
async def C7_a_pattern_matches_the_whole_key(harness: CachingHarness) -> None:
    """``*`` is any run, ``?`` one character, line breaks too; case counts; the whole key."""
    for pattern, hits, others in _CASES:
        await _expect(harness, pattern, hits, others)


@check()
async def C7_only_the_wildcards_are_special(harness: CachingHarness) -> None:
    """What other pattern languages give a meaning is itself here."""
    await _expect(harness, "a.c", ("a.c",), ("abc",))
    await _expect(harness, "a+", ("a+",), ("aa",))
    await _expect(harness, "(a|b)", ("(a|b)",), ("a",))
    await _expect(harness, "{a,b}", ("{a,b}",), ("a",))
    await _expect(harness, "^a$", ("^a$",), ("a",))
    await _expect(harness, "a]", ("a]",), ("a",))


@check()
async def C7_classes_and_their_negation(harness: CachingHarness) -> None:
    """``[abc]``, ``[a-z]``, ``[^a]`` and ``[!a]``; a minus first or last is itself."""
    await _expect(harness, "[abc]", ("a", "c"), ("d", "ab", "A"))
    await _expect(harness, "[acx]", ("a", "c", "x"), ("b", "-"))
    await _expect(harness, "[a-c]x", ("ax", "cx"), ("dx", "x"))
    await _expect(harness, "[^a]", ("b", "^", "\n"), ("a", "bb"))
    await _expect(harness, "[!a]", ("b", "!"), ("a",))
    await _expect(harness, "[!a-c]", ("d", "-"), ("a", "b"))
    await _expect(harness, "[a^!]", ("a", "^", "!"), ("b",))
    await _expect(harness, "[z-a]", ("a", "m", "z"), ("-",))
    await _expect(harness, "[-a]", ("-", "a"), ("b",))
    await _expect(harness, "[a-]", ("-", "a"), ("b",))
    await _expect(harness, "[\\]a]", ("]", "a"), ("\\",))
    await _expect(harness, "[*?]", ("*", "?"), ("a",))
    await _expect(harness, "[.]", (".",), ("a",))


@check()
async def C7_patterns_count_characters_not_bytes(harness: CachingHarness) -> None:
    """``?`` and classes take one character of any script."""
    await _expect(harness, "?", ("س", "a", "😀"), ("سس",))
    await _expect(harness, "[ا-ی]*", ("سلام",), ("salam",))
    await _expect(harness, "[^س]", ("ش", "a"), ("س",))
    await _expect(harness, "سل??", ("سلام",), ("سلا",))


@check()
async def C7_a_malformed_pattern_is_refused(harness: CachingHarness) -> None:
    """An unterminated or empty class, a final backslash, no text at all: ValidationError."""
    bad: tuple[Any, ...] = (
        "[",
        "a[b",
        "[a\\]",
        "a\\",
        "[]",
        "[]a]",
        "[^]",
        "[!]",
        "[a-",
        "\ud800*",
        None,
        b"*",
    )

    async with harness.make() as cache:
        await cache.set("a", 1)

        for pattern in bad:
            await raises(
                ValidationError,
                lambda pattern=pattern: cache.scan_keys(pattern),  # type: ignore[misc]  # bound at once
                f"the pattern {pattern!r}",
            )


@check()
async def C7_escape_pattern_finds_exactly_its_text(harness: CachingHarness) -> None:
    """A backslash takes the meaning off the next character; escape_pattern sets them all."""
    await _expect(harness, "a\\*", ("a*",), ("ab", "a\\*"))
    await _expect(harness, "\\a\\b", ("ab",), ("\\a\\b",))
    odd = ("*", "?", "[a]", "a\\", "]", "a*b?c[d]", "[^a]", "سلام*")

    for key in odd:
        others = tuple(other for other in (*odd, "a", "b", "axbxcd") if other != key)
        await _expect(harness, escape_pattern(key), (key,), others)


@check()
async def C7_every_key_comes_once_while_others_write(harness: CachingHarness) -> None:
    """Keys that live through the whole scan are in the answer, each once."""
    lasting = {f"lasting:{number}" for number in range(600)}
    ended = False

    async with harness.make() as cache:
        for key in lasting:
            await cache.set(key, 1)

        async def disturb() -> None:
            number = 0

            while not ended:
                await cache.set(f"passing:{number % 50}", 1)
                await cache.set(f"lasting:{number % 600}", number)
                await cache.delete(f"passing:{(number + 25) % 50}")
                await asyncio.sleep(0)
                number += 1

        others = beside(disturb())

        for number in range(28):
            found = await cache.scan_keys("lasting:*")
            assert len(found) == len(set(found)), "a key came twice"
            assert set(found) == lasting, f"missing: {sorted(lasting - set(found))[:5]}"
            # Not each time as long: a scan that takes a multiple of the others' turns would
            # find them always at the same place.
            await turns(1 + number % 7)

        ended = True
        await others
