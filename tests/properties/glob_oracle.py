"""Matches the patterns of ``scan_keys`` by a second reading of their grammar, slow and plain."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from infrastructure.interfaces import escape_pattern

__all__ = ["ALPHABET", "Malformed", "matches", "pattern_keys", "patterns", "rough_patterns"]

ALPHABET = "abc-^!]\nس"
pattern_keys = st.text(alphabet=ALPHABET + "*?[\\", max_size=8)
"""Texts that patterns of the same characters may match."""

_singles = st.sampled_from(["?", *(escape_pattern(char) for char in ALPHABET + "*?[\\")])
_members = st.one_of(
    st.sampled_from([f"\\{char}" for char in ALPHABET + "*?[\\"]),
    st.sampled_from(["a-c", "c-a", "b-b", "a", "b", "*", "?", ".", "-"]),
)
_classes = st.builds(
    lambda sign, parts: f"[{sign}{''.join(parts)}]",
    st.sampled_from(["", "^", "!"]),
    st.lists(_members, min_size=1, max_size=3),
)
patterns = st.lists(st.one_of(_singles, _classes, st.just("*")), max_size=7).map("".join)
"""Well-formed patterns of every construct."""

rough_patterns = st.text(alphabet="ab[]^!-\\*?", max_size=10)
"""Texts that look like patterns; many are malformed."""

_STAR: Any = object()


class Malformed(ValueError):
    """The text is no pattern."""


def matches(pattern: str, key: str) -> bool:
    """Return whether ``pattern`` matches the whole ``key``, or raise ``Malformed``.

    Keeps the set of all places of the pattern where the part of the key that was read may end.
    """
    tokens = _parse(deque(pattern))
    places = _past_stars(tokens, {0})

    for char in key:
        read = {at for at in places if at < len(tokens) and tokens[at] is _STAR}
        read |= {
            at + 1
            for at in places
            if at < len(tokens) and tokens[at] is not _STAR and tokens[at](char)
        }
        places = _past_stars(tokens, read)

    return len(tokens) in places


def _past_stars(tokens: list[Any], places: set[int]) -> set[int]:
    """Add the places that are reached by reading nothing."""
    for at, token in enumerate(tokens):
        if at in places and token is _STAR:
            places.add(at + 1)

    return places


def _parse(rest: deque[str]) -> list[Any]:
    tokens = []

    while rest:
        char = rest.popleft()

        if char == "*":
            tokens.append(_STAR)
        elif char == "?":
            tokens.append(lambda _char: True)
        elif char == "[":
            tokens.append(_parse_class(rest))
        else:
            tokens.append(_literal(char, rest).__eq__)

    return tokens


def _parse_class(rest: deque[str]) -> Callable[[str], bool]:
    negated = bool(rest) and rest[0] in "^!"
    spans: list[list[str]] = []

    if negated:
        rest.popleft()

    while (char := _take(rest)) != "]":
        low = high = _literal(char, rest)

        # A minus that a bracket follows is itself.
        if len(rest) > 1 and rest[0] == "-" and rest[1] != "]":
            rest.popleft()
            high = _literal(rest.popleft(), rest)

        spans.append(sorted([low, high]))

    if not spans:
        raise Malformed

    return lambda char: any(low <= char <= high for low, high in spans) != negated


def _literal(char: str, rest: deque[str]) -> str:
    return _take(rest) if char == "\\" else char


def _take(rest: deque[str]) -> str:
    if not rest:
        raise Malformed

    return rest.popleft()
