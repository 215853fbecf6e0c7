"""Makes of a pattern of ours the one by which a server looks through its keys."""

from __future__ import annotations

from ..._core.glob import Token, tokens

__all__ = ["server_pattern"]

_LONGEST = 64
"""Characters that a server compares at every place of a key, where a star stands before them."""


def server_pattern(prefix: str, pattern: str) -> bytes:
    """Return the MATCH of SCAN for those keys of ``prefix`` that match ``pattern``.

    It matches all of them and nothing without the prefix; what it matches besides, the exact
    pattern sorts out here. A server reads bytes: its ``?`` is a part of a character, its
    ``[!a]`` no negation. So ``?`` and many classes become a star. Two stars are the most, since
    each multiplies the time that an old server needs (CVE-2022-36021).
    """
    head, *others = _runs(pattern)
    begin = _escaped(prefix) + b"".join(head)

    if not others:
        return begin

    *between, tail = others
    middle = max(between, key=_weight, default=[])[:_LONGEST]
    parts = [begin, b"".join(middle), b"".join(tail[-_LONGEST:])]
    return b"*".join(parts if middle else [begin, parts[-1]])


def _runs(pattern: str) -> list[list[bytes]]:
    """Return what stands before, between and after what can be but a star, by characters."""
    runs: list[list[bytes]] = [[]]

    for token in tokens(pattern):
        piece = _piece(token)

        if piece is None:
            runs.append([])
        else:
            runs[-1].append(piece)

    return runs


def _weight(run: list[bytes]) -> tuple[int, int]:
    """Order runs by how few keys have them: a character says more than a class."""
    return sum(not piece.startswith(b"[") for piece in run), len(run)


def _piece(token: Token) -> bytes | None:
    """Return what a server matches where ``token`` does; ``None`` where only a star will do."""
    if token.literal:
        return _escaped(token.literal)

    ends = {end for span in token.spans for end in span}

    if len(ends) == 1:
        return _escaped(ends.pop())

    # The ends of a server's range cannot be escaped; a range of other signs is rare.
    plain = (low == high or (low + high).isalnum() for low, high in token.spans)

    if not ends or not "".join(ends).isascii() or not all(plain):
        return None

    return f"[{''.join(_span(*span) for span in token.spans)}]".encode()


def _span(low: str, high: str) -> str:
    if low != high:
        return f"{low}-{high}"

    return low if low.isalnum() else f"\\{low}"


def _escaped(text: str) -> bytes:
    return "".join("\\" + char if char in "*?[\\" else char for char in text).encode()
