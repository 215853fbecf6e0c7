"""What was fetched, on its way into the windows of the engine, and held back where one is full."""

from __future__ import annotations

import asyncio
from contextvars import Context

from .._delivery import DeliveryEngine
from .._record import Partition, Record
from ._consumer import ConsumerThread

__all__ = ["Reader"]

_PATIENCE = 0.05
"""Seconds for which a window may be full before the partition is not fetched any more.

librdkafka throws away what it has fetched of one that is paused, and fetches it again.
"""

_HELD = 1000
"""Records of one partition that are held back at most before that, and"""

_HELD_BYTES = 16 * 2**20
"""their size."""

_SHARED = 4
"""Partitions that may hold so much; where there are more of them each may hold less."""


class _Assigned:
    """One partition that is ours."""

    __slots__ = ("held", "is_full", "is_paused", "size", "timer")

    def __init__(self) -> None:
        self.held: list[Record] = []
        self.size = 0
        self.is_full = False
        self.is_paused = False
        self.timer: asyncio.TimerHandle | None = None

    def hold(self, records: list[Record]) -> None:
        """Keep records until there is room."""
        self.held.extend(records)
        self.size += sum([each.size for each in records])

    def let_go(self) -> list[Record]:
        """Return what was held."""
        records, self.held, self.size = self.held, [], 0
        return records

    def has_enough(self, share: float) -> bool:
        """Return whether more would be too much."""
        return len(self.held) >= _HELD * share or self.size >= _HELD_BYTES * share

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Reader:
    """Feeds an engine what a consumer fetches, as far as there is room."""

    def __init__(self, engine: DeliveryEngine, thread: ConsumerThread) -> None:
        self._engine = engine
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._assigned: dict[Partition, _Assigned] = {}
        # Of what a partition may hold, where many do.
        self._share = 1.0

    @property
    def assigned(self) -> list[Partition]:
        """What is read."""
        return list(self._assigned)

    def assign(self, partition: Partition) -> None:
        """Read a partition from now on."""
        self.release(partition)
        self._assigned[partition] = _Assigned()
        self._divide()

    def release(self, partition: Partition) -> None:
        """Read a partition no more, and drop what is held of it."""
        state = self._assigned.pop(partition, None)

        if state is not None:
            state.stop()
            self._divide()

            # Whoever gets it next, perhaps we ourselves, would find it paused.
            if state.is_paused:
                self._thread.resume(partition)

    def _divide(self) -> None:
        self._share = min(1.0, _SHARED / max(1, len(self._assigned)))
        # What is fetched together is most often of one of them, which cannot be stopped within it.
        self._thread.fetch_less(self._share)

    def clear(self) -> None:
        """Read nothing any more."""
        for partition in list(self._assigned):
            self.release(partition)

    def take(self, partition: Partition, records: list[Record]) -> None:
        """Take the next records of a partition."""
        state = self._assigned.get(partition)

        if state is None:
            return

        if not state.held:
            records = self._deliver(partition, records)

        if records:
            state.hold(records)

            if state.has_enough(self._share):
                self._stop_fetching(partition, state)

    def _deliver(self, partition: Partition, records: list[Record]) -> list[Record]:
        """Deliver as many as there is room for; return the rest."""
        messages, size = self._engine.room(partition)

        # Most often all of them.
        if len(records) <= messages and sum([each.size for each in records]) <= size:
            self._engine.deliver(partition, records)
            return []

        # Those for other handlers take no room: only of a full window the engine says when it has some.
        while count := _fitting(records, messages, size):
            self._engine.deliver(partition, records[:count])
            records = records[count:]
            messages, size = self._engine.room(partition)

        return records

    def pause(self, partition: Partition) -> None:
        """Deliver no more of a partition, and stop fetching it if that lasts."""
        state = self._assigned.get(partition)

        if state is not None:
            state.is_full = True
            state.stop()
            state.timer = self._loop.call_later(
                _PATIENCE, self._stop_fetching, partition, state, context=Context()
            )

    def _stop_fetching(self, partition: Partition, state: _Assigned) -> None:
        state.stop()

        if not state.is_paused:
            state.is_paused = True
            self._thread.pause(partition)

    def resume(self, partition: Partition) -> None:
        """Deliver again: what is held first."""
        state = self._assigned.get(partition)

        if state is not None:
            state.is_full = False
            state.stop()
            self._loop.call_soon(self._go_on, partition, state, context=Context())

    def _go_on(self, partition: Partition, state: _Assigned) -> None:
        # It may have been revoked meanwhile.
        if self._assigned.get(partition) is not state:
            return

        if state.held:
            state.hold(self._deliver(partition, state.let_go()))

        if state.is_paused and not state.is_full and not state.has_enough(self._share):
            state.is_paused = False
            self._thread.resume(partition)


def _fitting(records: list[Record], messages: int, size: int) -> int:
    """Return how many there is room for: the last of them may be larger than what is left."""
    count = 0

    while count < min(messages, len(records)) and size > 0:
        size -= records[count].size
        count += 1

    return count
