"""Patterns mean the same everywhere, and none of them takes long."""

from __future__ import annotations

import time

import pytest

from infrastructure._core.glob import MAX_PATTERN, compile_pattern
from infrastructure.interfaces import ValidationError


@pytest.mark.parametrize(
    ("pattern", "hits", "others"),
    [
        ("*", ["a", "\n", ""], []),
        ("***", ["a", "abc"], []),
        ("", [""], ["a"]),
        ("ab*b", ["abb", "abxb"], ["ab"]),
        ("*a*a*", ["aa", "xaxax"], ["a"]),
        ("a*\n", ["a\n", "ab\n"], ["a"]),
        ("a", ["a"], ["a\n"]),
        ("?", ["س", "\n"], ["", "ab"]),
        ("[\\a-c]", ["a", "b", "c"], ["-", "\\"]),
        ("[a-\\]]", ["]", "^", "a"], ["b"]),
        ("[a-c-e]", ["b", "-", "e"], ["d"]),
        ("[--a]", ["-", "A", "a"], ["b"]),
        ("[^-a]", ["b"], ["-", "a"]),
        ("[!\\!]", ["a"], ["!"]),
        ("[[]", ["["], ["]"]),
        ("\\[a\\]", ["[a]"], ["a"]),
        ("a.b$(c)", ["a.b$(c)"], ["axb$(c)"]),
        ("[\\d]", ["d"], ["1"]),
    ],
)
def test_a_pattern_matches(pattern, hits, others) -> None:
    """The whole key, case-sensitively, over characters."""
    matches = compile_pattern(pattern)
    assert [key for key in hits if not matches(key)] == []
    assert [key for key in others if matches(key)] == []


@pytest.mark.parametrize(
    ("pattern", "position"),
    [
        ("[", 0),
        ("ab[", 2),
        ("a[b-", 1),
        ("a[]", 1),
        ("[^]x]", 0),
        ("[!", 0),
        ("ab\\", 2),
        ("[a\\", 2),
    ],
)
def test_a_malformed_pattern_names_the_position(pattern, position) -> None:
    """And says what is wrong there."""
    with pytest.raises(ValidationError, match=f"malformed at position {position}:"):
        compile_pattern(pattern)


def test_other_bad_patterns_are_refused() -> None:
    """Another type, too long, not text."""
    for pattern in (None, b"*", 1, "a" * (MAX_PATTERN + 1), "\ud800*"):
        with pytest.raises(ValidationError):
            compile_pattern(pattern)


@pytest.mark.parametrize("pattern", ["*a" * 1000 + "b", "a*" * 1000 + "b", "*" + "a?" * 300 + "b*"])
def test_no_pattern_explodes(pattern) -> None:
    """What a backtracking matcher takes for ever on ends at once."""
    begun = time.perf_counter()
    assert compile_pattern(pattern)("a" * 60_000) is False
    assert time.perf_counter() - begun < 5
