"""One topic of the in-process broker: a log for each partition, bounded together."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from itertools import cycle
from typing import Any

from .._record import Partition, Record
from ._partition import PartitionLog

__all__ = ["MAX_BYTES", "PARTITIONS", "Topic"]

PARTITIONS = 4
"""Of each topic: the most instances of one group that share its messages."""

MAX_BYTES = 64 * 2**20
"""Of unread messages in a topic, and again of retained ones."""

# Messages without key go to one partition for so many, then to the next: a few messages keep
# the order they came in, and many are shared.
_RUN = 16


class Topic:
    """A topic: ``held`` messages, of ``held_bytes``, are not finished by some group yet."""

    def __init__(self, name: str, *, source: str, max_log: int, retain: int) -> None:
        self.name = name
        self.max_log = max_log
        self.retain = retain
        self.held = 0
        self.held_bytes = 0
        # Publishers must wait, or do already: another one goes behind them.
        self.is_crowded = False
        self.logs = [PartitionLog(Partition(name, n, source)) for n in range(PARTITIONS)]
        self.groups: set[str] = set()
        # Where the next message without key goes.
        self._round = cycle([log for log in self.logs for _ in range(_RUN)])
        # The partitions of the retained records, oldest first.
        self._recent: deque[PartitionLog] = deque()
        self._recent_bytes = 0
        # In their order; not a deque, from which many that give up would go one by one in long steps.
        self._waiting: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def is_full(self) -> bool:
        """Whether publishers must wait."""
        return self.held >= self.max_log or self.held_bytes >= MAX_BYTES

    def append(
        self,
        key: str | bytes | None,
        payload: Any,
        headers: Mapping[str, str | bytes] | None,
        encoding: str | None,
        size: int,
    ) -> None:
        """Store a message and wake its readers."""
        log = next(self._round) if key is None else self.logs[hash(key) % PARTITIONS]

        if not (log.cursors or self.retain):
            log.skip()
            return

        offset = log.base + len(log.records)
        now = time.time()
        log.records.append(
            Record(log.partition, offset, key, payload, headers, now, encoding, size)
        )

        if self.retain:
            self._keep(log, size)

        if not log.cursors:
            log.acked += 1
            return

        self.held += 1
        self.held_bytes += size

        if self.held >= self.max_log or self.held_bytes >= MAX_BYTES:
            self.is_crowded = True

        if log.idle:
            log.wake()

    def _first_kept(self, log: PartitionLog) -> int:
        return log.kept if self.retain else log.end

    def _keep(self, log: PartitionLog, size: int) -> None:
        recent = self._recent
        recent.append(log)
        self._recent_bytes += size

        while len(recent) > self.retain or (self._recent_bytes > MAX_BYTES and len(recent) > 1):
            oldest = recent.popleft()
            self._recent_bytes -= oldest.records[oldest.kept - oldest.base].size
            oldest.kept += 1
            oldest.trim(min(oldest.acked, oldest.kept))

    def retain_at_least(self, messages: int) -> None:
        """Retain so many messages from now on, if it was less."""
        for log in self.logs:
            log.kept = self._first_kept(log)

        self.retain = max(self.retain, messages)

    def add_group(self, group: str) -> None:
        """Begin a group: at the first retained message, else behind the last."""
        if group in self.groups:
            return

        self.groups.add(group)

        for log in self.logs:
            log.cursors[group] = self._first_kept(log)
            self._recount(log)

    def remove_group(self, group: str) -> None:
        """Forget how far a group is: it is unsubscribed."""
        self.groups.discard(group)

        for log in self.logs:
            log.cursors.pop(group, None)
            self._recount(log)

        self._make_room()

    def acknowledge(self, group: str, partition: Partition, offset: int) -> None:
        """Note that ``group`` has finished everything below ``offset``."""
        log = self.logs[partition.number]
        log.cursors[group] = offset
        self._recount(log)
        self._make_room()

    def _recount(self, log: PartitionLog) -> None:
        acked = min(log.cursors.values(), default=log.end)
        low, high = sorted((acked, log.acked))
        records = log.records[low - log.base : high - log.base]
        sign = 1 if acked < log.acked else -1
        self.held += sign * len(records)
        self.held_bytes += sign * sum([record.size for record in records])
        log.acked = acked
        log.trim(min(acked, self._first_kept(log)))
        self.is_crowded = bool(self._waiting) or self.is_full

    def drop_readers(self) -> None:
        """Forget who reads and who waits: their process or event loop is gone."""
        self._waiting.clear()

        for log in self.logs:
            log.idle.clear()

    def slowest(self) -> str:
        """Return the group with the most unfinished messages."""
        return min(self.groups, key=lambda group: sum(log.cursors[group] for log in self.logs))

    async def wait_for_room(self, blocked: set[asyncio.Future[None]]) -> None:
        """Return when a message may be appended; first come, first served.

        What it waits for is in ``blocked`` meanwhile: an error may be set there.
        """
        behind = bool(self._waiting)

        while self.is_full or behind:
            behind = False
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[future] = None
            blocked.add(future)

            try:
                await future
            except BaseException:
                # The place it was given, or might be, is the next one's.
                self._waiting.pop(future, None)
                self._make_room()
                raise
            finally:
                blocked.discard(future)

    def _make_room(self) -> None:
        free = self.max_log - self.held if self.held_bytes < MAX_BYTES else 0

        while free > 0 and self._waiting:
            future, _ = self._waiting.popitem(last=False)

            if not future.done():
                future.set_result(None)
                free -= 1

        self.is_crowded = bool(self._waiting) or self.is_full
