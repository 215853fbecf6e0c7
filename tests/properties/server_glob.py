"""Matches keys as the servers do: their grammar, over bytes, by a plain second reading."""

from __future__ import annotations

__all__ = ["server_matches"]


def server_matches(pattern: bytes, key: bytes) -> bool:
    """Return what ``stringmatchlen`` of the servers' util.c returns for a key that is not empty."""
    if not pattern:
        return not key

    sign, rest = pattern[:1], pattern[1:]

    if sign == b"*":
        return any(server_matches(rest, key[at:]) for at in range(len(key) + 1))

    if not key:
        return False

    if sign == b"[":
        hit, rest = _class(rest, key[0])
        return hit and server_matches(rest, key[1:])

    if sign == b"\\" and rest:
        sign, rest = rest[:1], rest[1:]
    elif sign == b"?":
        sign = key[:1]

    return sign == key[:1] and server_matches(rest, key[1:])


def _class(rest: bytes, byte: int) -> tuple[bool, bytes]:
    """Return whether ``byte`` is in the class that begins ``rest``, and what follows the class."""
    negated = rest.startswith(b"^")
    rest = rest[negated:]
    hit = False

    while rest and not rest.startswith(b"]"):
        if rest.startswith(b"\\") and len(rest) > 1:
            hit, rest = hit or rest[1] == byte, rest[2:]
        elif len(rest) > 2 and rest[1:2] == b"-":
            low, high = sorted((rest[0], rest[2]))
            hit, rest = hit or low <= byte <= high, rest[3:]
        else:
            hit, rest = hit or rest[0] == byte, rest[1:]

    return hit != negated, rest[1:]
