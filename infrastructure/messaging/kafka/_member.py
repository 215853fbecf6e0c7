"""One connected instance in its group: the engine's log over Kafka."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event
from typing import Any

from confluent_kafka import KafkaError

from ..._core.deadline import Limit
from ..._core.errors import translated
from ..._core.outage import OutageLog
from ..._core.tasks import Tasks, logger
from ...interfaces.exceptions import ConnectionError, InfrastructureError
from .._delivery import DeliveryEngine
from .._record import Partition, Record
from ._consumer import ConsumerThread
from ._publisher import Publisher
from ._reader import Reader
from ._records import Batch, Reading, headers_of
from ._topics import Topics
from .errors import ERRORS, error_of

__all__ = ["Member"]

_ANSWER = 10.0
"""Seconds for a commit, and for storing a dead letter."""


class Member:
    """Joins the group when there is a topic to read."""

    def __init__(
        self,
        configuration: dict[str, Any],
        *,
        owner: str,
        reading: Reading,
        publisher: Publisher,
        topics: Topics,
        outage: OutageLog,
        make: Callable[[Member], DeliveryEngine],
    ) -> None:
        self._configuration = configuration
        self._owner = owner
        self._reading = reading
        self._publisher = publisher
        self._topics = topics
        self._outage = outage
        self.engine = make(self)
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks(owner)
        self._thread: ConsumerThread | None = None
        self._reader: Reader | None = None
        self._rebalances = 0
        # The topics that the driver was told, and how many rebalances there had been before.
        self._named: frozenset[str] = frozenset()
        self._named_at = 0
        self._failure: KafkaError | None = None
        self._waiters: list[asyncio.Future[None]] = []

    async def read(self, topics: Collection[str]) -> None:
        """Read these topics and no others; return when the group has assigned them anew."""
        thread = self._begin()

        # Where the driver knows them the group is not asked anew: who named them may have given up.
        if self._named != frozenset(topics):
            self._named, self._named_at = frozenset(topics), self._rebalances

            try:
                with translated(ERRORS, "subscribe"):
                    await thread.subscribe(list(topics))
            except InfrastructureError:
                self._named = frozenset()
                raise

        while topics and self._rebalances == self._named_at:
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiters.append(waiter)
            await asyncio.wait({waiter})

        if self._failure is not None:
            raise error_of("subscribe", self._failure, outcome="not_applied")

    def _begin(self) -> ConsumerThread:
        if self._thread is None:
            with translated(ERRORS, "subscribe"):
                self._thread = ConsumerThread(self._configuration, self._loop, self, self._reading)

            self._reader = Reader(self.engine, self._thread)

        return self._thread

    # What the thread tells.

    def fetched(self, batch: Batch) -> None:
        """Take messages."""
        assert self._reader is not None
        assert self._thread is not None
        self._thread.taken()
        self._outage.end()

        for partition, records in batch:
            self._reader.take(partition, records)

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Take over partitions; perhaps none."""
        assert self._reader is not None

        for partition in partitions:
            self._reader.assign(partition)

        self.engine.assigned(partitions)
        self._rebalanced()

    def _rebalanced(self) -> None:
        self._rebalances += 1
        waiters, self._waiters = self._waiters, []

        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        """Give partitions up, and set ``done`` when that is done."""
        self._release(partitions)
        task = self._tasks.start(self.engine.revoked(partitions), "give partitions up")
        task.add_done_callback(lambda _: done.set())

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Give up what is somebody else's by now."""
        self._release(partitions)
        self.engine.lost(partitions)

    def _release(self, partitions: Sequence[Partition]) -> None:
        assert self._reader is not None

        for partition in partitions:
            self._reader.release(partition)

    def failed(self, error: KafkaError) -> None:
        """Take note that the consumer does nothing more."""
        self._failure = error
        logger.critical(
            "%s handles no messages any more until the next connect: %s",
            self._owner,
            error_of("the consumer", error),
        )
        self._rebalanced()

    def cut_off(self, reason: str) -> None:
        """Take note that no broker can be reached."""
        self._outage.begin(reason)

    # What the engine asks.

    async def append(self, topic: str, record: Record) -> None:
        """Store a dead letter."""
        key = record.key.encode() if isinstance(record.key, str) else record.key
        headers = headers_of(record.encoding, record.headers)
        expires = time.monotonic() + _ANSWER
        await self._publisher.send(topic, key, record.payload, headers, expires)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store how far the group is."""
        thread = self._thread

        if thread is None or self._failure is not None:
            msg = "commit: the consumer has ended"
            raise ConnectionError(msg, outcome="not_applied")

        async with Limit("commit", expires=time.monotonic() + _ANSWER, outcome="unknown"):
            with translated(ERRORS, "commit"):
                await thread.commit(offsets)

    def pause(self, partition: Partition) -> None:
        """Deliver no more of ``partition``."""
        if self._reader is not None:
            self._reader.pause(partition)

    def resume(self, partition: Partition) -> None:
        """Deliver again."""
        if self._reader is not None:
            self._reader.resume(partition)

    async def ensure_topic(self, name: str, origin: str) -> None:
        """Make a dead-letter topic where it is missing."""
        await self._topics.ensure_dead_letters(name, origin)

    # Its end.

    async def leave(self) -> None:
        """Leave the group; return when that is done."""
        self._end()

        if self._thread is not None:
            await asyncio.wait({self._thread.ended})

    def abort(self) -> None:
        """Let go of everything at once."""
        self._end()
        self._tasks.stop()

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.clear()

        self.end_thread()

    def end_thread(self) -> None:
        """End the thread and the consumer; touches no future of the event loop."""
        if self._thread is not None:
            self._thread.end()
