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

_NOTHING: frozenset[str] = frozenset()

_REFUSED = 2.0
"""Seconds after which what was refused counts as refused still: the driver tells some but once."""


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
        # The topics that the driver is told, how often it was told some, and which of these times
        # the group has answered.
        self._read: frozenset[str] | None = None
        self._namings = 0
        self._assigned = 0
        # The last of them that named a topic: one that only leaves some out need not be answered, where
        # the driver had none of their partitions.
        self._awaited = 0
        self._failure: KafkaError | None = None
        self._refusal: KafkaError | None = None
        # By topic, what the log was told of those that are assigned.
        self._refused: dict[str, int] = {}
        self._waiters: list[asyncio.Future[None]] = []
        self._asking = 0
        self._over: asyncio.Future[None] = self._loop.create_future()

    async def read(self, topics: Collection[str]) -> None:
        """Read these topics and no others.

        Return when the group has assigned them anew, and nothing of others is assigned any more.
        """
        self.check()
        thread, wanted = self._begin(), frozenset(topics)
        # What is refused to one who has joined says nothing of joining.
        before = self._refusal if self._assigned < self._awaited else None

        # Where the driver knows them the group is not asked anew: who named them may have given up.
        if wanted != self._read or self._refusal is not None:
            naming = await self._name(thread, wanted)
        else:
            naming = self._awaited

        timer = self._loop.call_later(_REFUSED, self._still_refused, before, naming)

        try:
            while self._refusal is None and (
                (wanted and self._read != _NOTHING and self._assigned < naming)
                or self._has_others()
            ):
                waiter: asyncio.Future[None] = self._loop.create_future()
                self._waiters.append(waiter)
                await self._answered(thread, waiter)
        finally:
            timer.cancel()

        if wanted and self._refusal is not None:
            raise error_of("subscribe", self._refusal, outcome="unknown")

    def _has_others(self) -> bool:
        """Return whether partitions are still to be given up whose topics are not read any more."""
        read, reader = self._read, self._reader

        if read is None or reader is None:
            return False

        return any(each.topic not in read for each in reader.assigned)

    def _still_refused(self, before: KafkaError | None, naming: int) -> None:
        if before is not None and self._assigned < naming:
            self.refused(before)

    async def _name(self, thread: ConsumerThread, topics: frozenset[str]) -> int:
        """Tell the driver topics; return which of these times the group has to answer."""
        adds = self._read is None or not topics < self._read
        self._read, self._refusal = topics, None
        self._namings += 1
        # Where nothing is read any more the group assigns nothing to whoever waits for it.
        self._wake()

        if adds:
            self._awaited = self._namings

        awaited = self._awaited

        try:
            with translated(ERRORS, "subscribe"):
                await self._answered(thread, thread.subscribe(list(topics)))
        except InfrastructureError:
            self._read = None
            raise

        return awaited

    async def _answered(self, thread: ConsumerThread, answer: asyncio.Future[None]) -> None:
        """Return when the thread has answered what is asked to subscribe."""
        self._asking += 1

        try:
            is_over = await self._is_over(thread, answer)
        finally:
            self._asking -= 1

        self.check()

        if is_over:
            msg = f"subscribe: {self._owner} was closed by disconnect()"
            raise ConnectionError(msg, outcome="not_applied", operation="subscribe")

        answer.result()

    async def _is_over(self, thread: ConsumerThread, answer: asyncio.Future[None]) -> bool:
        """Wait for an answer; return whether the thread, which gives none then, has ended or is to."""
        try:
            await asyncio.wait(
                {answer, thread.ended, self._over}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            # Nobody waits for it any more.
            given_up = answer.cancel()

        return given_up

    def check(self) -> None:
        """Raise when the consumer does nothing more."""
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
        self._outage.end()

        for partition, records in batch:
            self._reader.take(partition, records)

        # Behind it: what it has paused is paused before more is fetched.
        self._thread.taken()

    def assigned(self, partitions: Sequence[Partition], naming: int) -> None:
        """Take over partitions, perhaps none; the driver knew the topics of that ``naming``."""
        assert self._reader is not None

        for partition in partitions:
            self._reader.assign(partition)

        self.engine.assigned(partitions)
        self.engine.answered()
        self._assigned, self._refusal = naming, None
        self._refused.clear()
        self._wake()

    def _wake(self) -> None:
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

        self._wake()

    def failed(self, error: KafkaError) -> None:
        """Take note that the consumer does nothing more."""
        self._failure = error
        logger.critical(
            "%s handles no messages any more until the next connect: %s",
            self._owner,
            error_of("the consumer", error),
        )
        self._wake()

        # The group gives to others what it had.
        if self._reader is not None:
            self.lost(self._reader.assigned)

    def refused_one(self, topic: str, error: KafkaError) -> None:
        """Take note that the brokers do not let us read a topic that the group has assigned."""
        before, self._refused[topic] = self._refused.get(topic), error.code()

        # Of one refusal the driver tells both, of the topic and of the group.
        if before != error.code() and not self._is_told(error):
            logger.error("%s: %s", self._owner, error_of(f"read {topic}", error))

    def refused(self, error: KafkaError) -> None:
        """Take note that the brokers do not let us read."""
        is_told, self._refusal = self._is_told(error), error

        # Whoever waits is told, and the driver goes on to ask.
        if not self._asking and not is_told and error.code() not in self._refused.values():
            logger.error("%s: %s", self._owner, error_of("the consumer", error))

        self._wake()

    def _is_told(self, error: KafkaError) -> bool:
        return self._refusal is not None and self._refusal.code() == error.code()

    def cut_off(self, reason: str) -> None:
        """Take note that no broker can be reached."""
        self._outage.begin(reason)

    # What the engine asks.

    async def append(self, topic: str, record: Record) -> None:
        """Store a dead letter."""
        key = record.key.encode() if isinstance(record.key, str) else record.key
        headers = headers_of(record.encoding, record.headers)

        if not self._topics.knows(topic):
            await self._topics.ensure_dead_letters(topic, record.partition.topic)

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
                answer = thread.commit(offsets)

                if await self._is_over(thread, answer):
                    msg = f"commit: {self._owner} was closed by disconnect()"
                    raise ConnectionError(msg, outcome="unknown", operation="commit")

                answer.result()

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
        if not self._over.done():
            self._over.set_result(None)

        if self._reader is not None:
            self._reader.clear()

        self.end_thread()

    def end_thread(self) -> None:
        """End the thread and the consumer; touches no future of the event loop."""
        if self._thread is not None:
            self._thread.end()
