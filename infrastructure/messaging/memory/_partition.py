"""The log of one partition of the in-process broker."""

from __future__ import annotations

from itertools import accumulate
from typing import Protocol

from .._record import Partition, Record

__all__ = ["PartitionLog", "Reader"]


class Reader(Protocol):
    """Who is told that there is more to read."""

    def wake(self) -> None:
        """Read soon."""


class PartitionLog:
    """The messages of one partition that somebody still needs.

    ``base``   the offset of the first record that is there.
    ``kept``   from this offset on, records are retained though all groups have finished them;
               counted only where the topic retains some.
    ``acked``  the offset below which all groups have finished.
    ``idle``   those readers that have read everything: to be woken.
    """

    __slots__ = ("acked", "base", "cursors", "idle", "kept", "partition", "records")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.records: list[Record] = []
        self.base = 0
        self.kept = 0
        self.acked = 0
        self.cursors: dict[str, int] = {}
        self.idle: list[Reader] = []

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return self.base + len(self.records)

    def read(self, position: int, messages: int, size: int) -> list[Record]:
        """Return the records from ``position`` on: so many, and of that size, but at least one."""
        start = position - self.base
        records = self.records[start : start + messages]

        sizes = [record.size for record in records]

        if sum(sizes) <= size:
            return records

        return records[: max(1, sum(total <= size for total in accumulate(sizes)))]

    def wake(self) -> None:
        """Wake the idle readers; each is idle again when it has read everything."""
        idle, self.idle = self.idle, []

        for reader in idle:
            reader.wake()

    def skip(self) -> None:
        """Count a message that nobody will ever read."""
        end = self.end + 1
        self.records.clear()
        self.base = self.acked = self.kept = end

    def trim(self, needed: int) -> None:
        """Drop what is below ``needed``, once it is half of what is there."""
        unneeded = needed - self.base

        if unneeded and unneeded * 2 >= len(self.records):
            del self.records[:unneeded]
            self.base += unneeded
