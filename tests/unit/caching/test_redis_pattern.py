"""A server gets as much of a pattern as it reads the way we do."""

from __future__ import annotations

import pytest

from infrastructure.caching.redis._pattern import server_pattern
from infrastructure.interfaces import ValidationError


@pytest.mark.parametrize(
    ("prefix", "pattern", "match"),
    [
        ("", "*", "*"),
        ("", "***", "*"),
        ("app:", "*", "app:*"),
        ("app:", "user:1", "app:user:1"),
        ("{app}", "a]-^!", "{app}a]-^!"),
        ("a*?[\\]", "*", "a\\*\\?\\[\\\\]*"),
        ("", "\\*\\?\\[\\\\\\a", "\\*\\?\\[\\\\a"),
        ("", "a*b", "a*b"),
        ("", "a?b", "a*b"),
        ("", "سلام*", "سلام*"),
        ("", "a*bc*def*gh*i", "a*def*i"),
        ("", "*a*", "*a*"),
        ("", "*?*[!a]*", "*"),
        ("", "*[ab][cd]*x*", "*x*"),
        ("", "*[ab]*[c-d][e]*", "*[c-d]e*"),
        ("", "[ab]x[a-z0-9]", "[ab]x[a-z0-9]"),
        ("", "[z-a]", "[a-z]"),
        ("", "[*]", "\\*"),
        ("", "[سس]", "س"),
        ("", "[a\\]\\-\\^*]", "[a\\]\\-\\^\\*]"),
        ("", "a[!b]", "a*"),
        ("", "[سa]b", "*b"),
        ("", "[ا-ی]b", "*b"),
        ("", "[!-/]b", "*b"),
        ("", "[\\!-/]b", "*b"),
        (
            "",
            "a" * 90 + "*" + "b" * 80 + "*" + "c" * 70,
            "a" * 90 + "*" + "b" * 64 + "*" + "c" * 64,
        ),
    ],
)
def test_a_pattern_becomes_a_match(prefix, pattern, match) -> None:
    """Head and tail, and between them what says most; stars for the rest."""
    assert server_pattern(prefix, pattern) == match.encode()


def test_a_malformed_pattern_is_refused() -> None:
    """By the one grammar of all backends."""
    for pattern in ("[a", "a\\", "[]"):
        with pytest.raises(ValidationError):
            server_pattern("", pattern)
