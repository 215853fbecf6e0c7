"""Which letters of a partition were replayed, as the group that reads them remembers it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

__all__ = ["Account"]

_RANGE = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")
_LONGEST = 3000
"""Characters of a commit's metadata: brokers take ``offset.metadata.max.bytes``, 4,096 unless told."""


class Account:
    """All offsets of a partition before ``start`` are done with, and some of those behind it.

    ``committed``  up to where they were when that was told last; ``metadata`` what was told beside.
    ``end``        behind the last letter that counts.
    """

    def __init__(self, committed: int, metadata: str | None, end: int) -> None:
        self.start = committed
        self._done = _parsed(metadata or "", range(committed, end))
        self._left: set[int] = set()
        self.waiting = max(0, end - committed) - len(self._done)
        """Offsets that are not done with, the gaps of a log among them."""

    def give(self, offset: int) -> bool:
        """Take note of a letter that was read; return whether it is to be replayed yet."""
        if offset < self.start or offset in self._done:
            return False

        self._left.add(offset)
        return True

    def replayed(self, offsets: Collection[int], read: int) -> None:
        """Take note of letters that were; each before ``read`` was given, or is none."""
        self._left.difference_update(offsets)
        self.start = max(self.start, min({read, *self._left}))
        self._done = {each for each in self._done.union(offsets) if each >= self.start}

    @property
    def metadata(self) -> str:
        """What is to be told beside ``start``: the ranges behind it, ``first-last,first-last``.

        Of very many the first: what is behind them goes back once more.
        """
        text = ",".join(_ranges(sorted(self._done)))
        return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(",")[0]


def _ranges(offsets: Iterable[int]) -> list[str]:
    runs: list[list[int]] = []

    for offset in offsets:
        if runs and offset == runs[-1][1] + 1:
            runs[-1][1] = offset
        else:
            runs.append([offset, offset])

    return [f"{first}-{last}" for first, last in runs]


def _parsed(text: str, within: range) -> set[int]:
    found: set[int] = set()

    # Somebody else's may be anything.
    for first, last in map(_numbers, text.split(",")):
        found.update(range(max(first, within.start), min(last + 1, within.stop)))

    return found


def _numbers(text: str) -> tuple[int, int]:
    matched = _RANGE.fullmatch(text)
    return (int(matched[1]), int(matched[2])) if matched else (0, -1)
