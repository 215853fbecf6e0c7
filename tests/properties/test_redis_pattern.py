"""The pattern that a server gets matches every key that ours does, and none without the prefix."""

from __future__ import annotations

import re

from hypothesis import example, given, strategies as st

from infrastructure._core.glob import compile_pattern
from infrastructure.caching.redis._pattern import server_pattern
from infrastructure.interfaces import escape_pattern

from .server_glob import server_matches

SIGNS = "*?[]\\^!-{}\n\0"
chars = st.sampled_from("abz0" + SIGNS + "سی\u200c😀")
prefixes = st.text(chars, max_size=6)
# Parts of a pattern, each with a text that it matches.
classes = st.tuples(st.lists(st.tuples(chars, chars), min_size=1, max_size=3)).map(
    lambda drawn: (
        "[" + "".join(f"{escape_any(low)}-{escape_any(high)}" for low, high in drawn[0]) + "]",
        drawn[0][0][0],
    )
)
members = st.lists(chars, min_size=1, max_size=4).map(
    lambda drawn: ("[" + "".join(map(escape_any, drawn)) + "]", drawn[-1])
)
negated = st.tuples(st.sampled_from("!^"), st.sampled_from("ab-س"), st.sampled_from("zی😀\n")).map(
    lambda drawn: (f"[{drawn[0]}\\{drawn[1]}]", drawn[2])
)
parts = st.one_of(
    chars.map(lambda char: (escape_pattern(char), char)),
    chars.map(lambda char: ("?", char)),
    st.text(chars, max_size=4).map(lambda text: ("*", text)),
    classes,
    members,
    negated,
)
pairs = st.lists(parts, max_size=9).map(lambda drawn: tuple(map("".join, zip(*drawn, strict=True))))
matching = pairs.filter(lambda pair: len(pair) == 2 and pair[1] != "")
"""Patterns, each with a key that it matches."""


def escape_any(char: str) -> str:
    """Return a member of a class that is itself whatever it is."""
    return f"\\{char}"


def stars(match: bytes) -> int:
    return re.sub(rb"\\.", b"", match, flags=re.DOTALL).count(b"*")


@given(prefixes, matching)
@example("", ("*a*b*c*d", "a1b2c3d"))
@example("a*[", ("?", "س"))
@example("", ("[--/]", "."))
@example("\\", ("[\\]-\\]]", "]"))
def test_the_server_matches_all_that_match(prefix: str, pair: tuple[str, str]) -> None:
    """Whatever characters they have."""
    pattern, key = pair
    assert compile_pattern(pattern)(key)
    assert server_matches(server_pattern(prefix, pattern), (prefix + key).encode())


@given(prefixes, matching, prefixes)
@example("a*", ("*", "x"), "ab")
@example("[a]", ("*", "x"), "a")
@example("a\\", ("*", "x"), "a*")
def test_nothing_without_the_prefix_is_matched(
    prefix: str, pair: tuple[str, str], other: str
) -> None:
    """A prefix has no wildcards."""
    match = server_pattern(prefix, pair[0])

    for name in (other + pair[1], other):
        if name and server_matches(match, name.encode()):
            assert name.startswith(prefix)


@given(prefixes, matching)
def test_a_server_tries_little(prefix: str, pair: tuple[str, str]) -> None:
    """Two stars at most, however many there are in the pattern."""
    assert stars(server_pattern(prefix, pair[0])) <= 2


@given(prefixes, prefixes.filter(bool))
def test_a_text_is_looked_for_exactly(prefix: str, text: str) -> None:
    """Without a wildcard the server finds one key."""
    match = server_pattern(prefix, escape_pattern(text))
    assert stars(match) == 0
    assert server_matches(match, (prefix + text).encode())
