"""Publishes of many tasks on their way to the brokers, in batches that clock themselves."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from ..._core.outage import OutageLog
from ..._core.tasks import logger
from ...interfaces.exceptions import ConnectionError
from ._acknowledgements import Acknowledgements
from ._failures import cut_off, not_stored
from ._overdue import Overdue
from ._pace import BATCHES, Pace
from ._publication import Batch, Publication
from ._records import Headers
from ._spread import Spread
from ._waiting import Waiting
from .errors import LOOK_ANEW, error_of, is_fatal

__all__ = ["Publisher"]

_LEAST = 64
"""Messages below which one batch is made of all: each request costs the broker more than they do."""

_MOST = 10_000
"""Messages of a batch at most."""

_LONGEST = 2.0**21
"""Seconds; librdkafka counts no more than a few days beyond that."""

_AGAIN = 0.01
"""Seconds until a full queue of librdkafka is tried again."""


class Publisher:
    """Hands messages to librdkafka, the next batch when one before is acknowledged.

    What waits here is not librdkafka's yet: where its deadline passes it is never sent.
    ``missing`` is called with a topic that the brokers do not know any more, or did not allow.
    ``topic``   one that they know, if any: see ``Acknowledgements``.
    """

    def __init__(
        self,
        configuration: dict[str, Any],
        tried: str,
        outage: OutageLog,
        missing: Callable[[str], None],
        topic: str | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._missing = missing
        self._tried = tried
        self._outage = outage
        self.is_reached = False
        """Whether a broker has answered."""
        self._configuration = configuration
        # librdkafka gives up all messages after the same time; 0: none.
        self._longest = configuration["message.timeout.ms"] / 1000 or math.inf
        self._patient: Publisher | None = None
        self._batches: dict[Batch, None] = {}
        self._pace = Pace(self._batches, outage)
        self._waiting = Waiting(self._pace, self._batches)
        self._spread = Spread(configuration)
        self._scheduled = False
        self._in_flight = 0
        # Messages of the next batch at most: as many wait for it as are on their way.
        self._share = _LEAST
        self._overdue = Overdue(self._everybody, self._swept)
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._quiet: asyncio.Future[None] | None = None
        self._is_renewed = False
        self._acknowledgements = self._start(topic)

    def _start(self, topic: str | None) -> Acknowledgements:
        return Acknowledgements(
            self._configuration, self._loop, self._reported, self._lost, self._batches, topic
        )

    def _lost(self, reason: str) -> None:
        # Before that, whoever connects is told; behind the end it concerns nobody.
        if self.is_reached and not self._closed:
            self._outage.begin(reason)

    @property
    def trouble(self) -> KafkaError | None:
        """What hinders the connection to all brokers; ``None`` while one of them may answer."""
        return self._acknowledgements.hindrance

    @property
    def client(self) -> Any:
        """The producer of librdkafka."""
        producer = self._acknowledgements.producer

        if producer is None:
            msg = f"{self._tried} was closed by disconnect()"
            raise ConnectionError(msg, outcome="not_applied")

        return producer

    def send(
        self,
        topic: str,
        key: bytes | str | None,
        payload: bytes | None,
        headers: Headers,
        expires: float,
        is_ordered: bool = False,
    ) -> asyncio.Future[None]:
        """Send a message with the next batch; the future tells when the brokers have it.

        ``is_ordered``: not behind a later one of its key; see ``Parked``.
        """
        if expires - monotonic() > self._longest and not self._closed:
            sender = self.within(expires, topic)
            return sender.send(topic, key, payload, headers, expires, is_ordered)

        answer: asyncio.Future[None] = self._loop.create_future()
        publication = Publication(topic, key, payload, headers, expires, answer, is_ordered)

        if self._closed:
            answer.set_exception(cut_off(publication, self._tried, "not_applied"))
            return answer

        waiting = self._waiting.queue_of(topic)
        waiting.append(publication)

        if (
            len(waiting) >= self._share
            and len(self._batches) < BATCHES
            and waiting is self._waiting.usual
        ):
            # Now: the brokers can begin while others still publish in this turn of the loop.
            self._next()
        elif not self._scheduled:
            self._schedule()

        if expires < self._overdue.at:
            self._overdue.watch(expires)

        return answer

    def within(self, expires: float, topic: str) -> Publisher:
        """Return who sends until ``expires``: one for all that is to stay in its order.

        Where that is longer than usual, what is given up is sent for less than twice as long, or for
        ever where somebody had no deadline.
        """
        seconds, before = expires - monotonic(), self._patient

        if seconds <= self._longest or self._closed:
            return self

        if before is None or before._longest < seconds:
            limit = 2 ** math.ceil(math.log2(seconds)) * 1000 if seconds <= _LONGEST else 0
            options = {**self._configuration, "message.timeout.ms": limit}
            self._patient = Publisher(options, self._tried, self._outage, self._missing, topic)
            self._patient.is_reached = True
            # What that one has on its way is waited for with the others.
            self._patient._patient = before

        assert self._patient is not None
        return self._patient

    def _schedule(self) -> None:
        # What other tasks publish in this turn of the loop goes along.
        self._scheduled = True
        self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self._next()

    def _next(self) -> None:
        while self._waiting and not self._closed and self._may_send():
            queue, delay = self._waiting.next()

            if delay:
                self._try_later(delay)

            if queue is None or not self._hand_over(queue):
                break

        # Those that were refused then, or overtaken, have no report.
        self._look_quiet()

    def _may_send(self) -> bool:
        """Return whether a further batch may leave now; else see that it does in time."""
        delay = self._pace.delay()

        if delay:
            self._try_later(delay)

        return not delay

    def _try_later(self, delay: float) -> None:
        if self._retry is not None:
            if self._retry.when() <= self._loop.time() + delay:
                return

            self._retry.cancel()

        self._retry = self._loop.call_later(delay, self._try_again)

    def _try_again(self) -> None:
        self._retry = None

        # Else those that gather in this turn of the loop would not go along.
        if not self._scheduled:
            self._next()

    def _hand_over(self, queue: deque[Publication]) -> bool:
        """Give librdkafka a batch of those that wait; return whether it took it."""
        if self._acknowledgements.failure is not None:
            self._renew(queue[0].topic)

        if len(self._batches) >= BATCHES:
            # They are late: a partition of theirs may have lost its leader, and others of that broker.
            self._spread.forget_all()

        batch, outstanding = Batch(self._acknowledgements), self._in_flight + len(queue)
        self._share = min(_MOST, max(_LEAST, outstanding // BATCHES))

        try:
            room = self._waiting.room(queue, self._pace.room(self._share))
            batch.fill(queue, room, self._spread, self.client.produce)
        except BufferError:
            self._try_later(_AGAIN)
            return False
        except KafkaException as exc:
            self._refused(queue, batch, exc.args[0])
        finally:
            if batch.members:
                batch.left = len(batch.members)
                self._in_flight += batch.left
                self._batches[batch] = None
                self._waiting.left(queue, batch)
                batch.sender.expect(batch.members[0].topic)
            else:
                self._spread.returned(batch.partitions)

        return True

    def _refused(self, queue: deque[Publication], batch: Batch, error: KafkaError) -> None:
        """Take note that the first one that waits was not taken."""
        refused = queue[0]

        if is_fatal(error):
            # Nothing is wrong with the message: the next producer gets it.
            self._renew(refused.topic)
            return

        # Of a topic that was made anew, with fewer.
        if error.code() == KafkaError._UNKNOWN_PARTITION:
            batch.partitions.pop(refused.topic, None)

            if self._spread.forget(refused.topic):
                return

        queue.popleft()
        self._look_missing(refused, error)
        refused.answer.set_exception(error_of(refused.tried, error, outcome="not_applied"))

    def _reported(self, reports: list[Publication]) -> None:
        """Take a burst of reports."""
        self._in_flight -= len(reports)
        stored = False

        for publication in reports:
            batch, error, answer = publication.batch, publication.error, publication.answer
            assert batch is not None
            batch.left -= 1

            if error is not None:
                # Nobody knows whether the partition that it was for is still there.
                batch.partitions.pop(publication.topic, None)

            if error is None:
                stored = True

                if self._waiting.parked:
                    self._waiting.stored(publication)

                if not answer.done():
                    answer.set_result(None)
            elif not self._waiting.took_back(publication, error) and not answer.done():
                self._look_missing(publication, error)
                answer.set_exception(not_stored(publication, error))

            if not batch.left:
                self._ended(batch)

        if stored:
            self._is_renewed = False
            self._outage.end()

        if self._waiting and not self._scheduled:
            # Behind those who were just woken: they publish again.
            self._schedule()

        self._look_quiet()

    def _ended(self, batch: Batch) -> None:
        self._batches.pop(batch, None)
        self._pace.ended(batch)
        self._spread.returned(batch.partitions)
        batch.end()

        if self._waiting.parked:
            self._waiting.ended(batch)

    def _look_missing(self, publication: Publication, error: KafkaError) -> None:
        if error.code() in LOOK_ANEW:
            self._spread.forget(publication.topic)
            self._missing(publication.topic)

    def _renew(self, topic: str) -> None:
        """Begin with a new producer: the one before does nothing more after a fatal error."""
        before, self._acknowledgements = self._acknowledgements, self._start(topic)

        # Where it fails again before anything was stored, everybody is told why.
        if not self._is_renewed:
            logger.warning("%s: the producer begins anew after %s", self._tried, before.failure)

        self._is_renewed = True
        # Those that are on their way get their reports by it.
        before.close()

    def _everybody(self) -> Iterator[Publication]:
        """Return all that wait, or are on their way."""
        for batch in self._batches:
            yield from batch.members

        yield from self._waiting.everybody()

    def _swept(self) -> None:
        self._waiting.drop_ended()
        self._look_quiet()

    async def flush(self) -> None:
        """Return when everything that somebody waits for was acknowledged, or has failed."""
        while not self._is_quiet():
            if self._quiet is None:
                self._quiet = self._loop.create_future()

            await asyncio.wait({self._quiet})

        if self._patient is not None:
            await self._patient.flush()

    def _is_quiet(self) -> bool:
        return all(each.answer.done() for each in self._everybody())

    def _look_quiet(self) -> None:
        if self._quiet is not None and self._is_quiet():
            self._quiet.set_result(None)
            self._quiet = None

    def close(self) -> None:
        """Send nothing more; what is unacknowledged fails."""
        self._closed = True

        self._overdue.cancel()

        if self._retry is not None:
            self._retry.cancel()

        for each in self._waiting.everybody():
            if not each.answer.done():
                each.answer.set_exception(cut_off(each, self._tried, "not_applied"))

        for batch in self._batches:
            for each in batch.members:
                if not each.answer.done():
                    each.answer.set_exception(cut_off(each, self._tried, "unknown"))

        self._waiting.clear()
        self._batches.clear()
        self._look_quiet()

        if self._patient is not None:
            self._patient.close()

        self.end_thread()

    def end_thread(self) -> None:
        """End the thread and the producer; touches no future of the event loop."""
        self._acknowledgements.close()

        if self._patient is not None:
            self._patient.end_thread()
