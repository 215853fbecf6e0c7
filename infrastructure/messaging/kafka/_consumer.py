"""The thread that has the consumer of a group: it fetches, and tells what the group assigns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from time import monotonic
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ..._core.tasks import logger
from .._record import Partition
from ._listener import Listener, Nobody
from ._naming import Naming
from ._records import Reading
from ._starts import Starts
from ._worker import fail, give, post
from .errors import is_fatal, is_refusal

__all__ = ["ConsumerThread"]

_MOST = 500
"""Messages that are fetched at a time, and"""

_LEAST = 50
"""so many where there are many partitions, of which each may hold little."""

_AHEAD = 2
"""Times that messages are handed over before the event loop has taken the first."""

_IDLE = 0.02
"""Seconds for which one look waits for messages; so long a call may wait for it."""

_LOOK = 1.0
"""Seconds between two looks at whether the event loop is still there to take messages."""

_SETTLING = 1.5
"""Seconds that a member waits for the answer of the group that it joins, to leave it."""

_ANSWER = 1.0
"""Seconds that the group has to answer before it is left."""

_PAUSE = 0.001
"""Seconds between two looks at the calls while partitions are given up."""

Offsets = frozenset[tuple[str, int, int]]


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
        self._may_fetch = False
        self._most = _MOST
        # While a callback of the driver runs it calls no other.
        self._in_callback = False
        self._is_static = "group.instance.id" in configuration
        self._naming = Naming(loop, self._tell, partial(self._assigned, None, []))
        self._asked = ""
        self._starts = Starts()
        self._ending = False
        self._is_fatal = False
        self.ended: asyncio.Future[None] = loop.create_future()
        self._thread = Thread(target=self._run, name="kafka consumer", daemon=True)
        self._thread.start()

    def subscribe(self, topics: Sequence[str]) -> asyncio.Future[None]:
        """Read these topics and no others; the future tells when the driver knows.

        The assignments of this call, or of a later one, have its number among the calls, from 1 on.
        """
        answer: asyncio.Future[None] = self._loop.create_future()
        self._calls.put(partial(self._name, list(topics), answer))
        return answer

    def _name(self, topics: list[str], answer: asyncio.Future[None]) -> None:
        self._naming.put(topics, answer)
        self._naming.go_on(at_once=self._in_callback)

    def _tell(self, topics: Sequence[str]) -> None:
        if topics:
            self._asked = topics[0]
            self._consumer.subscribe(
                list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
        else:
            self._consumer.unsubscribe()

    def commit(self, offsets: Mapping[Partition, int]) -> asyncio.Future[None]:
        """Commit offsets; the future tells when the group's coordinator has them."""
        answer: asyncio.Future[None] = self._loop.create_future()
        told = [TopicPartition(each.topic, each.number, at) for each, at in offsets.items()]
        self._calls.put(partial(self._commit, told, answer))
        return answer

    def _commit(self, offsets: list[Any], answer: asyncio.Future[None]) -> None:
        try:
            if self._in_callback:
                told = self._consumer.commit(offsets=offsets, asynchronous=False)
                self._answer(answer, None, told)
            else:
                self._consumer.commit(offsets=offsets, asynchronous=True)
                self._commits.append((_offsets(offsets), answer))
        except KafkaException as exc:
            post(self._loop, fail, answer, exc)

    def _commit_again(self) -> None:
        # No callback tells of them before this one has ended, and giving up waits for them.
        commits, self._commits = self._commits, []

        for offsets, answer in commits:
            self._commit([TopicPartition(*each) for each in offsets], answer)

    def _committed(self, error: KafkaError | None, offsets: Sequence[Any]) -> None:
        told = _offsets(offsets)

        for position, (asked, answer) in enumerate(self._commits):
            if asked == told:
                del self._commits[position]
                self._answer(answer, error, offsets)
                break

    def _answer(
        self, answer: asyncio.Future[None], error: KafkaError | None, offsets: Sequence[Any]
    ) -> None:
        errors = [error, *(each.error for each in offsets)]
        failed = next((each for each in errors if each is not None), None)

        if failed is None:
            post(self._loop, give, answer, None)
        else:
            post(self._loop, fail, answer, KafkaException(failed))

    def pause(self, partition: Partition) -> None:
        """Fetch no more of a partition."""
        told = [TopicPartition(partition.topic, partition.number)]
        self._calls.put(partial(self._quietly, Consumer.pause, told))

    def resume(self, partition: Partition) -> None:
        """Fetch again."""
        told = [TopicPartition(partition.topic, partition.number)]
        self._calls.put(partial(self._quietly, Consumer.resume, told))

    def _quietly(self, call: Callable[[Any, list[Any]], None], partitions: list[Any]) -> None:
        try:
            call(self._consumer, partitions)
        except KafkaException as exc:
            # It is no longer ours.
            logger.debug("the consumer says: %s", exc)

    def fetch_less(self, share: float) -> None:
        """Fetch a share of the usual at a time."""
        self._most = max(_LEAST, round(_MOST * share))

    def taken(self) -> None:
        """Note that the event loop has taken what was handed over."""
        self._ahead.release()

    def end(self) -> None:
        """Leave the group and end; ``ended`` tells when that is done."""
        self._ending = True
        self._ahead.release()

    def _run(self) -> None:
        try:
            # Where the loop is gone nobody handles anything: let others have it.
            while not self._ending and not self._loop.is_closed():
                self._fetch()
        except Exception:  # noqa: BLE001 - whatever it is, the group must learn that it has ended
            logger.exception("the thread of the consumer failed")
            post(self._loop, self._listener.failed, KafkaError(KafkaError._FAIL))
        finally:
            # What it was assigned is given up by the listener before.
            self._listener = Nobody()
            self._finish()

    def _finish(self) -> None:
        try:
            self._leave()
        except Exception:  # noqa: BLE001 - whoever waits for its end must not wait for ever
            logger.exception("the consumer did not leave its group")
        finally:
            post(self._loop, give, self.ended, None)
            # It knows us by its callbacks: its threads would stay until the collector comes.
            self._consumer = None

    def _leave(self) -> None:
        if self._is_fatal:
            # It can leave nothing any more, and to close it may take for ever.
            return

        # One that closes while it joins would not tell the group, which would wait for it until
        # its session ends. A static member comes back: its place is kept.
        if not self._is_static:
            until = monotonic() + _SETTLING

            while not self._naming.is_settled and monotonic() < until:
                self._consumer.poll(_IDLE)

        # Of silent brokers it would wait for answers, a minute for each. What is not closed leaves
        # nothing behind but its place in the group, which ends with the session.
        if self._is_answered():
            if not self._is_static:
                self._consumer.unsubscribe()

            self._consumer.close()

    def _is_answered(self) -> bool:
        """Return whether the coordinator of the group answers what it is asked now."""
        try:
            self._consumer.committed([TopicPartition(self._asked, 0)], _ANSWER)
        except KafkaException as exc:
            # A refusal is an answer.
            return bool(exc.args[0].code() > 0)

        return True

    def _call_all(self) -> None:
        while not self._calls.empty():
            self._calls.get()()

        self._naming.go_on(at_once=self._in_callback)

    def _fetch(self) -> None:
        # Before it: what was to be paused by then is.
        if not self._may_fetch and not self._ahead.acquire(timeout=_LOOK):
            return

        self._may_fetch = True
        self._call_all()
        consumer = self._consumer
        # Not by consume() alone: it waits until there are as many as it was asked for.
        first = consumer.poll(_IDLE)
        messages = [] if first is None else [first, *consumer.consume(self._most - 1, 0)]

        # Then nothing is left in its queue: of a revocation the driver would take this for our answer.
        if len(messages) < self._most:
            self._starts.again(consumer)

        errors = [each for each in messages if each.error() is not None]

        for each in errors:
            self._failed(each.error(), each.topic())
            self._starts.note(each)

        if errors:
            messages = [each for each in messages if each.error() is None]

        if messages:
            self._may_fetch = False
            post(self._loop, self._listener.fetched, self._reading.batch(messages))

    def _partitions(self, partitions: Sequence[Any]) -> list[Partition]:
        return [self._reading.partition(each.topic, each.partition) for each in partitions]

    def _assigned(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        told = self._partitions(partitions)
        naming = self._naming.assigned({each.topic for each in told})
        post(self._loop, self._listener.assigned, told, naming)

    def _revoked(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        done = Event()

        if post(self._loop, self._listener.revoked, self._partitions(partitions), done):
            self._in_callback = True
            self._commit_again()

            # Meanwhile the driver's own threads keep the membership alive.
            while not done.wait(_PAUSE) and not self._loop.is_closed():
                self._call_all()

            self._in_callback = False

    def _lost(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        self._naming.lost()
        post(self._loop, self._listener.lost, self._partitions(partitions))

    def _failed(self, error: KafkaError, topic: str | None = None) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            post(self._loop, self._listener.cut_off, error.str())
        elif is_fatal(error):
            self._ending = self._is_fatal = True
            post(self._loop, self._listener.failed, error)
        elif is_refusal(error) and topic and self._naming.has_seen(topic):
            # It says nothing of others, nor of what the group is about to assign.
            post(self._loop, self._listener.refused_one, topic, error)
        elif is_refusal(error):
            self._naming.refused()
            post(self._loop, self._listener.refused, error)
        else:
            logger.debug("the consumer says: %s", error)

    def _note(self, error: KafkaError) -> None:
        self._failed(error)


def _offsets(offsets: Sequence[Any]) -> Offsets:
    return frozenset((each.topic, each.partition, each.offset) for each in offsets)
