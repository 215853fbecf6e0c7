"""The thread that has the consumer of a group: it fetches, and tells what the group assigns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from time import monotonic
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ..._core.tasks import logger
from .._record import Partition
from ._records import Batch, Reading
from ._worker import fail, give, post

__all__ = ["ConsumerThread", "Listener"]

_MOST = 500
"""Messages that are fetched at a time."""

_AHEAD = 2
"""Times that messages are handed over before the event loop has taken the first."""

_IDLE = 0.02
"""Seconds for which one look waits for messages; so long a call may wait for it."""

_SETTLING = 1.5
"""Seconds that a member waits for the answer of the group that it joins, to leave it."""

_PAUSE = 0.001
"""Seconds between two looks at the calls while partitions are given up."""

Offsets = frozenset[tuple[str, int, int]]


class Listener(Protocol):
    """Who is told on the event loop, in this order, what happened on the thread."""

    def fetched(self, batch: Batch) -> None:
        """Take messages."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Take over partitions; perhaps none."""

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        """Give partitions up, and set ``done`` when that is done: the thread waits for it."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Give up what is somebody else's by now."""

    def failed(self, error: KafkaError) -> None:
        """Take note that the consumer does nothing more."""

    def cut_off(self, reason: str) -> None:
        """Take note that no broker can be reached."""


class ConsumerThread:
    """One consumer, all of whose calls are made on its thread: the driver lets one in at a time.

    Its methods are for the event loop; what they do is done between two looks for messages.
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        listener: Listener,
        reading: Reading,
    ) -> None:
        self._consumer: Any = Consumer(
            {**configuration, "error_cb": self._note, "on_commit": self._committed}
        )
        self._loop = loop
        self._listener = listener
        self._reading = reading
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._commits: list[tuple[Offsets, asyncio.Future[None]]] = []
        self._ahead = Semaphore(_AHEAD)
        # While a callback of the driver runs it calls no other.
        self._in_callback = False
        self._is_static = "group.instance.id" in configuration
        # Whether the group has answered since the topics were named.
        self._is_settled = True
        self._ending = False
        self.ended: asyncio.Future[None] = loop.create_future()
        self._thread = Thread(target=self._run, name="kafka consumer", daemon=True)
        self._thread.start()

    def subscribe(self, topics: Sequence[str]) -> asyncio.Future[None]:
        """Read these topics and no others; the future tells when the driver knows."""
        answer: asyncio.Future[None] = self._loop.create_future()
        self._calls.put(partial(self._subscribe, list(topics), answer))
        return answer

    def _subscribe(self, topics: list[str], answer: asyncio.Future[None]) -> None:
        self._is_settled = not topics

        try:
            if topics:
                self._consumer.subscribe(
                    topics,
                    on_assign=self._assigned,
                    on_revoke=self._revoked,
                    on_lost=self._lost,
                )
            else:
                self._consumer.unsubscribe()
        except KafkaException as exc:
            post(self._loop, fail, answer, exc)
        else:
            post(self._loop, give, answer, None)

    def commit(self, offsets: Mapping[Partition, int]) -> asyncio.Future[None]:
        """Commit offsets; the future tells when the group's coordinator has them."""
        answer: asyncio.Future[None] = self._loop.create_future()
        told = [TopicPartition(each.topic, each.number, at) for each, at in offsets.items()]
        self._calls.put(partial(self._commit, told, answer))
        return answer

    def _commit(self, offsets: list[Any], answer: asyncio.Future[None]) -> None:
        try:
            if self._in_callback:
                self._consumer.commit(offsets=offsets, asynchronous=False)
                post(self._loop, give, answer, None)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
                self._commits.append((_offsets(offsets), answer))
        except KafkaException as exc:
            post(self._loop, fail, answer, exc)

    def _committed(self, error: KafkaError | None, offsets: Sequence[Any]) -> None:
        told = _offsets(offsets)
        errors = [error, *(each.error for each in offsets)]
        failed = next((each for each in errors if each is not None), None)

        for position, (asked, answer) in enumerate(self._commits):
            if asked == told:
                del self._commits[position]

                if failed is None:
                    post(self._loop, give, answer, None)
                else:
                    post(self._loop, fail, answer, KafkaException(failed))

                break

    def pause(self, partition: Partition) -> None:
        """Fetch no more of a partition."""
        told = [TopicPartition(partition.topic, partition.number)]
        self._calls.put(partial(self._quietly, self._consumer.pause, told))

    def resume(self, partition: Partition) -> None:
        """Fetch again."""
        told = [TopicPartition(partition.topic, partition.number)]
        self._calls.put(partial(self._quietly, self._consumer.resume, told))

    def _quietly(self, call: Callable[[list[Any]], None], partitions: list[Any]) -> None:
        try:
            call(partitions)
        except KafkaException as exc:
            # It is no longer ours.
            logger.debug("the consumer says: %s", exc)

    def taken(self) -> None:
        """Note that the event loop has taken what was handed over."""
        self._ahead.release()

    def end(self) -> None:
        """Leave the group and end; ``ended`` tells when that is done."""
        self._ending = True
        self._ahead.release()

    def _run(self) -> None:
        try:
            while not self._ending:
                self._call_all()
                self._fetch()
        except Exception:  # noqa: BLE001 - whatever it is, the group must learn that it has ended
            logger.exception("the thread of the consumer failed")
            post(self._loop, self._listener.failed, KafkaError(KafkaError._FAIL))
        finally:
            # What it was assigned is given up by the listener before.
            self._listener = _Nobody()
            self._leave()
            post(self._loop, give, self.ended, None)

    def _leave(self) -> None:
        # One that closes while it joins would not tell the group, which would wait for it until
        # its session ends. A static member comes back: its place is kept.
        if not self._is_static:
            until = monotonic() + _SETTLING

            while not self._is_settled and monotonic() < until:
                self._consumer.poll(_IDLE)

            self._consumer.unsubscribe()

        self._consumer.close()

    def _call_all(self) -> None:
        while not self._calls.empty():
            self._calls.get()()

    def _fetch(self) -> None:
        consumer = self._consumer
        # Not by consume() alone: it waits until there are as many as it was asked for.
        first = consumer.poll(_IDLE)

        if first is None:
            return

        messages = [first, *consumer.consume(_MOST - 1, 0)]
        errors = [each for each in messages if each.error() is not None]

        for each in errors:
            self._failed(each.error())

        if errors:
            messages = [each for each in messages if each.error() is None]

        if messages:
            batch = self._reading.batch(messages)
            self._ahead.acquire()
            post(self._loop, self._listener.fetched, batch)

    def _partitions(self, partitions: Sequence[Any]) -> list[Partition]:
        return [self._reading.partition(each.topic, each.partition) for each in partitions]

    def _assigned(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        self._is_settled = True
        post(self._loop, self._listener.assigned, self._partitions(partitions))

    def _revoked(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        done = Event()

        if post(self._loop, self._listener.revoked, self._partitions(partitions), done):
            self._in_callback = True

            # Meanwhile the driver's own threads keep the membership alive.
            while not done.wait(_PAUSE) and not self._loop.is_closed():
                self._call_all()

            self._in_callback = False

    def _lost(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        post(self._loop, self._listener.lost, self._partitions(partitions))

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            post(self._loop, self._listener.cut_off, error.str())
        elif error.fatal():
            self._ending = True
            post(self._loop, self._listener.failed, error)
        else:
            logger.debug("the consumer says: %s", error)

    def _note(self, error: KafkaError) -> None:
        self._failed(error)


class _Nobody:
    """Takes nothing: the event loop has given everything up."""

    def fetched(self, batch: Batch) -> None: ...

    def assigned(self, partitions: Sequence[Partition]) -> None: ...

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        done.set()

    def lost(self, partitions: Sequence[Partition]) -> None: ...

    def failed(self, error: KafkaError) -> None: ...

    def cut_off(self, reason: str) -> None: ...


def _offsets(offsets: Sequence[Any]) -> Offsets:
    return frozenset((each.topic, each.partition, each.offset) for each in offsets)
