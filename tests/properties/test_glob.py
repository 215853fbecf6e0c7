"""The compiled matcher agrees with a slow one that is plainly right."""

from __future__ import annotations

import pytest
from hypothesis import event, example, given

from infrastructure._core.glob import compile_pattern
from infrastructure.interfaces import ValidationError, escape_pattern

from .glob_oracle import Malformed, matches, pattern_keys, patterns, rough_patterns


@given(patterns, pattern_keys)
@example("*a*b", "ab")
@example("a*[^b]*", "a\n")
def test_the_matcher_agrees_with_the_slow_one(pattern: str, key: str) -> None:
    """Over generated patterns of every construct."""
    assert compile_pattern(pattern)(key) == matches(pattern, key)


@given(pattern_keys, pattern_keys)
def test_an_escaped_text_matches_itself_only(text: str, other: str) -> None:
    """Whatever characters it has."""
    found = compile_pattern(escape_pattern(text))
    assert found(text)
    assert found(other) == (text == other)


@given(rough_patterns, pattern_keys)
@example("[a-", "a")
@example("[]", "]")
@example("[^]", "^")
@example("[a-\\]", "b")
@example("[\\", "\\")
def test_the_matcher_refuses_what_is_malformed(text: str, key: str) -> None:
    """And nothing else; what it takes it reads as the slow one does."""
    try:
        expected = matches(text, key)
    except Malformed:
        event("malformed")

        with pytest.raises(ValidationError):
            compile_pattern(text)
    else:
        assert compile_pattern(text)(key) == expected
