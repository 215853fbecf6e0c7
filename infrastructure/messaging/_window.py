"""The unfinished messages of one partition, and how far it may be committed."""

from __future__ import annotations

from collections import deque
from itertools import chain
from operator import attrgetter
from typing import Protocol

from ._calls import Delivery
from ._record import Partition, Record
from ._watch import Watch

__all__ = ["Keeper", "Window"]


_is_done = attrgetter("done")


class Keeper(Protocol):
    """Who is told of what happens to a window."""

    def progressed(self, window: Window) -> None:
        """More of it can be committed."""

    def filled(self, window: Window) -> None:
        """It takes no more."""

    def emptied(self, window: Window) -> None:
        """It takes messages again."""


class Window:
    """The messages of a partition from the first unfinished to the last fetched.

    ``position``  the offset that may be committed: everything below it is finished.
    ``open``      ``False`` once no handler may start with a message of it any more.
    ``limit``     messages, ``limit_bytes`` their size, at which it is full.
    ``spare``     messages that may still come while commits fail; ``None`` while they do not.
    """

    __slots__ = (
        "_keeper",
        "_until_review",
        "committed",
        "dirty",
        "full",
        "limit",
        "limit_bytes",
        "messages",
        "open",
        "partition",
        "pending",
        "position",
        "size",
        "spare",
        "watch",
    )

    def __init__(self, partition: Partition, watch: Watch, keeper: Keeper) -> None:
        self.partition: Partition = partition
        self.watch: Watch = watch
        self._keeper = keeper
        self.open: bool = True
        # One entry for each handler of a message; those of one message are neighbours.
        self.pending: deque[Delivery] = deque()
        self.messages: int = 0
        self.size: int = 0
        self.limit: int = 1
        self.limit_bytes: int = 1
        self.position: int | None = None
        self.committed: int | None = None
        self.dirty: bool = False
        self.full: bool = False
        self._until_review = 0
        self.spare: int | None = None

    def room(self) -> int:
        """Return how many messages it takes now."""
        if not self.open:
            return 0

        self.advance()

        if self.size >= self.limit_bytes:
            return 0

        room = self.limit - self.messages
        return max(0, room if self.spare is None else min(room, self.spare))

    def admit(self, queued: list[list[Delivery]], records: list[Record]) -> None:
        """Hold ``records``: ``queued`` has a list of their deliveries for each handler."""
        if len(queued) == 1:
            self.pending.extend(queued[0])
        else:
            self.pending.extend(chain.from_iterable(zip(*queued, strict=True)))

        self.messages += len(records)
        self.size += sum([record.size for record in records])

        if self.spare is not None:
            self.spare -= len(records)

        self.progress()
        self.review()

    def review(self) -> None:
        """Tell the keeper when it became full, or has room again."""
        if not self.open:
            return

        room = self.room()

        if not self.full and room == 0:
            self.full = True
            # Not at every message: it has room again when half of them are finished.
            self._review_after(self.messages // 2)
            self._keeper.filled(self)
        elif self.full and room and self._is_half_empty():
            self.full = False
            self._keeper.emptied(self)
        elif self.full:
            self._review_after(self.limit // 16)

    def _review_after(self, calls: int) -> None:
        # With the last unfinished one at the latest: after it nobody would look again.
        self._until_review = min(calls, sum(not delivery.done for delivery in self.pending))

    def _is_half_empty(self) -> bool:
        # Not at the first free place: pausing and resuming has its price.
        return self.messages * 2 <= self.limit and self.size * 2 <= self.limit_bytes

    def progress(self) -> None:
        """Note that a message is finished; need be called only while not dirty, or full."""
        if not self.dirty and self.pending and self.pending[0].done:
            self.dirty = True
            self._keeper.progressed(self)

        if self.full:
            self._until_review -= 1

            if self._until_review <= 0:
                self.review()

    def advance(self) -> None:
        """Drop the finished prefix; ``position`` moves behind it."""
        pending, record, messages, size = self.pending, None, 0, 0

        # Where handlers keep pace all are, and none need be taken off one by one.
        if pending and all(map(_is_done, pending)):
            self.position = pending[-1].record.offset + 1
            self.messages = self.size = 0
            pending.clear()
            return

        while pending and pending[0].done:
            finished = pending.popleft().record

            if not pending or pending[0].record is not finished:
                record = finished
                messages += 1
                size += finished.size

        if record is not None:
            self.messages -= messages
            self.size -= size
            self.position = record.offset + 1

    def shut(self) -> None:
        """Let no handler start with its messages; those that run may still finish."""
        self.open = False

    def forget(self) -> None:
        """Drop everything unfinished: what finishes later counts no more."""
        self.advance()
        self.open = False
        self.pending.clear()
