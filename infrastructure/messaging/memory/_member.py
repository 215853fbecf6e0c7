"""One connected instance in its group: reads what it is assigned, commits what it finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextvars import Context
from typing import TYPE_CHECKING

from ...interfaces.exceptions import OperationError
from .._record import Partition, Record
from ._partition import PartitionLog

if TYPE_CHECKING:
    from .._delivery import DeliveryEngine
    from ._broker import Broker
    from ._group import Group

__all__ = ["Member"]


class AssignedLog:
    """Reads one partition for a member, as far as its engine has room."""

    __slots__ = ("_awake", "_engine", "_log", "_paused", "_position")

    def __init__(self, log: PartitionLog, position: int, engine: DeliveryEngine) -> None:
        self._log = log
        self._position = position
        self._engine = engine
        self._paused = False
        self._awake = False

    def wake(self) -> None:
        """Read soon; once for all that is published in one turn of the loop."""
        if not self._awake:
            self._awake = True
            asyncio.get_running_loop().call_soon(self._read, context=Context())

    def pause(self) -> None:
        """Read no more until ``resume``."""
        self._paused = True

        if self in self._log.idle:
            self._log.idle.remove(self)

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self.wake()

    def _read(self) -> None:
        self._awake = False

        if self._paused:
            return

        messages, size = self._engine.room(self._log.partition)
        records = self._log.read(self._position, messages, size) if messages else []

        if records:
            self._position += len(records)
            self._engine.deliver(self._log.partition, records)

        # Delivering may have filled the window: then we are paused, and resumed some time.
        if records and self._position < self._log.end:
            self.wake()
        elif not self._paused and self not in self._log.idle:
            self._log.idle.append(self)


class Member:
    """The engine's ``Log`` over the in-process broker."""

    def __init__(
        self, broker: Broker, group: Group, make: Callable[[Member], DeliveryEngine]
    ) -> None:
        self.group = group
        self._broker = broker
        self._assigned: dict[Partition, AssignedLog] = {}
        self.engine = make(self)

    def assign(self, logs: Iterable[PartitionLog]) -> None:
        """Deliver from ``logs``, each from where the group has finished."""
        for log in logs:
            reader = AssignedLog(log, log.cursors[self.group.name], self.engine)
            self._assigned[log.partition] = reader
            self.engine.assigned([log.partition])
            reader.wake()

    async def revoke(self, log: PartitionLog) -> None:
        """Deliver no more from ``log``; return when its handlers ended and are committed."""
        self.release(log)
        await self.engine.revoked([log.partition])

    def release(self, log: PartitionLog) -> None:
        """Read no more from ``log``."""
        reader = self._assigned.pop(log.partition, None)

        if reader is not None:
            reader.pause()

    async def append(self, topic: str, record: Record) -> None:
        """Store a dead letter."""
        log = self._broker.topic(topic)

        if log.is_full:
            msg = (
                f"{topic} is full: group {log.slowest()!r} has {log.held} unfinished messages there"
            )
            raise OperationError(msg, retryable=True, outcome="not_applied")

        log.append(record.key, record.payload, record.headers, record.encoding, record.size)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store how far the group is, of partitions that are still this member's."""
        for partition, offset in offsets.items():
            if self.group.owner(partition) is self:
                self._broker.topic(partition.topic).acknowledge(self.group.name, partition, offset)

    def pause(self, partition: Partition) -> None:
        """Deliver no more of ``partition``."""
        if partition in self._assigned:
            self._assigned[partition].pause()

    def resume(self, partition: Partition) -> None:
        """Deliver again."""
        if partition in self._assigned:
            self._assigned[partition].resume()

    async def ensure_topic(self, name: str, origin: str) -> None:
        """Make a dead-letter topic: it retains its messages, read or not."""
        self._broker.keep_dead_letters(name)
