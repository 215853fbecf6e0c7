"""The log of one partition of the in-process broker."""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol

from .._record import Partition, Record

__all__ = ["PartitionLog", "Reader"]


class Reader(Protocol):
    """Who is told that there is more to read; not called while ``awake``."""

    awake: bool

    def wake(self) -> None:
        """Read soon."""


class PartitionLog:
    """The messages of one partition that somebody still needs.

    ``base``   the offset of the first record that is there.
    ``kept``   from this offset on, records are retained though all groups have finished them.
    ``acked``  the offset below which all groups have finished.
    """

    __slots__ = ("acked", "base", "cursors", "kept", "partition", "readers", "records")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.records: list[Record] = []
        self.base = 0
        self.kept = 0
        self.acked = 0
        self.cursors: dict[str, int] = {}
        self.readers: list[Reader] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.base + len(self.records)

    def read(self, position: int, messages: int, size: int) -> list[Record]:
        """Return the records from ``position`` on: so many, and of that size, but at least one."""
        start = position - self.base
        records = self.records[start : start + messages]

        for count, total in enumerate(accumulate(record.size for record in records)):
            if total > size:
                return records[: max(1, count)]

        return records

    def skip(self) -> None:
        """Count a message that nobody will ever read."""
        self.trim()
        self.base += 1
        self.acked = self.kept = self.base

    def trim(self) -> None:
        """Drop what nobody needs, once it is half of what is there."""
        unneeded = min(self.acked, self.kept) - self.base

        if unneeded and unneeded * 2 >= len(self.records):
            del self.records[:unneeded]
            self.base += unneeded
