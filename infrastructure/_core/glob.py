"""The patterns of ``scan_keys``: one grammar for every backend, over characters, in linear time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from ..interfaces.exceptions import ValidationError
from .names import MAX_KEY

__all__ = ["MAX_PATTERN", "Token", "compile_pattern", "tokens"]

MAX_PATTERN = 2 * MAX_KEY
"""Characters: the longest key with every character escaped."""


class Token(NamedTuple):
    """One part of a pattern, by what it matches.

    ``expression``  the regular expression of one character; empty for ``*`` alone.
    ``literal``     the character itself, where it is only one; else empty.
    ``spans``       the ranges, both ends included, of a class that is not negated.
    """

    expression: str
    literal: str = ""
    spans: tuple[tuple[str, str], ...] = ()


def compile_pattern(pattern: Any) -> Callable[[str], bool]:
    r"""Return what tells whether a key matches ``pattern``.

    ``*`` any run, ``?`` one character, ``[abc]``, ``[a-z]``, ``[^a]`` and ``[!a]`` a class,
    ``\`` escapes; the whole key, case-sensitively. A reversed range counts as the straight
    one; ``-`` is itself first and last in a class. Raises ``ValidationError`` for an
    unterminated or empty class and for a final backslash.
    """
    if not isinstance(pattern, str):
        msg = f"a pattern is a str, got {type(pattern).__name__}"
        raise ValidationError(msg)

    if len(pattern) > MAX_PATTERN:
        msg = f"the pattern has {len(pattern)} characters; {MAX_PATTERN} are allowed"
        raise ValidationError(msg)

    if not pattern.isascii():
        try:
            pattern.encode()
        except UnicodeEncodeError as exc:
            msg = f"the pattern {pattern[:80]!a} cannot be encoded in UTF-8: {exc.reason}"
            raise ValidationError(msg) from exc

    return _compile(pattern)


@lru_cache(maxsize=256)
def _compile(pattern: str) -> Callable[[str], bool]:
    if pattern and not pattern.strip("*"):
        return _always

    fullmatch = re.compile(_regex(tokens(pattern)), re.DOTALL).fullmatch
    return lambda key: fullmatch(key) is not None


def _always(_key: str) -> bool:
    return True


def _regex(parts: Iterable[Token]) -> str:
    """Return the regular expression; what it has matched once it never tries again.

    Between two stars the first place that fits is as good as any, hence the atomic groups;
    what follows the last star has a fixed length and is looked for at the end alone.
    """
    runs = _split(parts)
    head = "".join(runs[0])

    if len(runs) == 1:
        return head

    middle = "".join(f"(?>.*?{''.join(run)})" for run in runs[1:-1] if run)
    tail = f".{{{len(runs[-1])},}}+"

    if runs[-1]:
        tail += f"(?<={''.join(runs[-1])})"

    return head + middle + tail


def _split(parts: Iterable[Token]) -> list[list[str]]:
    runs: list[list[str]] = [[]]

    for token in parts:
        if not token.expression:
            runs.append([])
        else:
            runs[-1].append(token.expression)

    return runs


def tokens(pattern: str) -> Iterator[Token]:
    """Give the parts of ``pattern`` in order, or raise ``ValidationError`` as above."""
    at = 0

    while at < len(pattern):
        char = pattern[at]

        if char == "*":
            yield Token("")
        elif char == "?":
            yield Token(".")
        elif char == "[":
            token, at = _class(pattern, at)
            yield token
        else:
            char, at = _char(pattern, at)
            yield Token(re.escape(char), literal=char)

        at += 1


def _char(pattern: str, at: int) -> tuple[str, int]:
    """Return the character at ``at``, an escaped one without its backslash, and its end."""
    if pattern[at] != "\\":
        return pattern[at], at

    if at + 1 == len(pattern):
        _refuse(pattern, at, "a backslash at the end escapes nothing; write '\\\\' for itself")

    return pattern[at + 1], at + 1


def _class(pattern: str, start: int) -> tuple[Token, int]:
    """Return the class that opens at ``start``, and its last index."""
    at = start + 1
    negated = pattern[at : at + 1] in ("^", "!")
    at += negated
    spans: list[tuple[str, str]] = []

    while pattern[at : at + 1] != "]":
        if at >= len(pattern):
            _refuse(pattern, start, "the class is not closed; write '\\[' for itself")

        low, at = _char(pattern, at)
        high = low

        # A minus before the closing bracket is itself.
        if pattern[at + 1 : at + 2] == "-" and pattern[at + 2 : at + 3] not in ("", "]"):
            high, at = _char(pattern, at + 2)

        spans.append((min(low, high), max(low, high)))
        at += 1

    if not spans:
        _refuse(pattern, start, "the class is empty; write '\\]' for a bracket in it")

    ranges = "".join(f"{_code(low)}-{_code(high)}" for low, high in spans)
    return Token(f"[{'^' * negated}{ranges}]", spans=() if negated else tuple(spans)), at


def _code(char: str) -> str:
    return f"\\U{ord(char):08x}"


def _refuse(pattern: str, at: int, why: str) -> NoReturn:
    msg = f"the pattern {pattern[:80]!r} is malformed at position {at}: {why}"
    raise ValidationError(msg)
