"""The compiled matcher agrees with a slow one that is plainly right."""

from __future__ import annotations

import contextlib

from hypothesis import example, given, strategies as st

from infrastructure._core.glob import compile_pattern
from infrastructure.interfaces import ValidationError, escape_pattern

ALPHABET = "abc-^!]\nس"
keys = st.text(alphabet=ALPHABET + "*?[\\", max_size=8)
singles = st.sampled_from(["?", *(escape_pattern(char) for char in ALPHABET + "*?[\\")])
members = st.one_of(
    st.sampled_from([f"\\{char}" for char in ALPHABET + "*?[\\"]),
    st.sampled_from(["a-c", "c-a", "b-b", "a", "b", "*", "?", "."]),
)
classes = st.builds(
    lambda sign, parts: f"[{sign}{''.join(parts)}]",
    st.sampled_from(["", "^", "!"]),
    st.lists(members, min_size=1, max_size=3),
)
patterns = st.lists(st.one_of(singles, classes, st.just("*")), max_size=7).map("".join)


def slow(pattern: str, key: str) -> bool:
    """Match by trying everything, one character after the other."""
    if not pattern:
        return not key

    if pattern[0] == "*":
        return any(slow(pattern[1:], key[start:]) for start in range(len(key) + 1))

    if not key:
        return False

    if pattern[0] == "[":
        fits, rest = slow_class(pattern[1:], key[0])
    elif pattern[0] == "\\":
        fits, rest = pattern[1] == key[0], pattern[2:]
    else:
        fits, rest = pattern[0] in ("?", key[0]), pattern[1:]

    return fits and slow(rest, key[1:])


def slow_class(rest: str, char: str) -> tuple[bool, str]:
    negated = rest[0] in "^!"
    rest = rest[negated:]
    found = False

    while rest[0] != "]":
        low, rest = (rest[1], rest[2:]) if rest[0] == "\\" else (rest[0], rest[1:])
        high = low

        if rest[0] == "-" and rest[1] != "]":
            rest = rest[1:]
            high, rest = (rest[1], rest[2:]) if rest[0] == "\\" else (rest[0], rest[1:])

        found = found or min(low, high) <= char <= max(low, high)

    return found != negated, rest[1:]


@given(patterns, keys)
@example("*a*b", "ab")
@example("a*[^b]*", "a\n")
def test_the_matcher_agrees_with_the_slow_one(pattern: str, key: str) -> None:
    """Over generated patterns of every construct."""
    assert compile_pattern(pattern)(key) == slow(pattern, key)


@given(keys, keys)
def test_an_escaped_text_matches_itself_only(text: str, other: str) -> None:
    """Whatever characters it has."""
    matches = compile_pattern(escape_pattern(text))
    assert matches(text)
    assert matches(other) == (text == other)


@given(st.text(alphabet="ab[]^!-\\*?", max_size=10))
def test_any_text_is_a_pattern_or_malformed(text: str) -> None:
    """No text raises anything but ValidationError."""
    with contextlib.suppress(ValidationError):
        assert isinstance(compile_pattern(text)("ab"), bool)
