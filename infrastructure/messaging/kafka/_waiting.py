"""Messages that wait to be handed over, among them what comes back for the sake of others in its batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from confluent_kafka import KafkaError

from ._pace import Pace
from ._parked import Parked
from ._publication import Batch, Publication
from .errors import OF_BATCH

__all__ = ["Waiting"]

_SOON = 0.01
"""Seconds until what has come is looked at in any case."""


class Waiting:
    """The ``usual`` queue, and by topic those that are ``parked``.

    Brokers refuse a batch whole (source: ``UnifiedLog.append()`` of Apache Kafka), for its size or for
    one message that is not valid, and which one that is the driver does not say. All of it is sent again,
    in smaller batches. Other topics do not wait for that.
    """

    def __init__(self, pace: Pace, on_their_way: Iterable[Batch]) -> None:
        self.usual: deque[Publication] = deque()
        self.parked: dict[str, Parked] = {}
        self._pace = pace
        self._on_their_way = on_their_way
        # Who was asked last is the last one.
        self._turns: deque[deque[Publication]] = deque([self.usual])

    def __bool__(self) -> bool:
        """Return whether a batch may leave, or has to be looked for."""
        return bool(self.usual or self.parked)

    def queue_of(self, topic: str) -> deque[Publication]:
        """Return where the messages of a topic wait."""
        return self.parked.get(topic, self.usual) if self.parked else self.usual

    def everybody(self) -> Iterator[Publication]:
        """Return all that are not handed over."""
        yield from self.usual

        for parked in self.parked.values():
            yield from parked.everybody()

    def drop_ended(self) -> None:
        """Leave out those at the front for which nobody waits."""
        for queue in self._turns:
            while queue and queue[0].answer.done():
                queue.popleft()

    def clear(self) -> None:
        """Leave out all."""
        self.usual.clear()
        self.parked.clear()
        self._turns = deque([self.usual])

    def next(self) -> tuple[deque[Publication] | None, float]:
        """Return whose turn it is, or ``None``, and the seconds until that may change by itself."""
        if not self.parked:
            return self.usual or None, 0.0

        delays = []

        for _ in range(len(self._turns)):
            queue = self._turns[0]
            self._turns.rotate(-1)
            delay = self._delay(queue)

            if not delay and queue:
                return queue, 0.0

            delays.append(delay)

        return None, min((each for each in delays if each), default=0.0)

    def _delay(self, queue: deque[Publication]) -> float:
        if not isinstance(queue, Parked):
            return 0.0

        # Of two batches the driver might make a larger one.
        delay = self._pace.until_late(queue.pending)

        if not delay and any(batch.reports for batch in queue.pending):
            # They belong together, and are taken at the next turns of the loop.
            delay = _SOON

        if not delay:
            queue.put_back()

        return delay

    def room(self, queue: deque[Publication], most: int) -> int:
        """Return how many may go in the next batch of a queue, ``most`` at most."""
        return queue.room(most) if isinstance(queue, Parked) else most

    def left(self, queue: deque[Publication], batch: Batch) -> None:
        """Take note of a batch that was handed over."""
        if isinstance(queue, Parked):
            queue.left(batch)

    def ended(self, batch: Batch) -> None:
        """Take note of a batch of which all was reported."""
        for topic, parked in tuple(self.parked.items()):
            parked.pending.discard(batch)

            if parked.is_cured:
                self.usual.extend(parked)
                del self.parked[topic]
                # By its identity: empty ones are equal.
                self._turns = deque(each for each in self._turns if each is not parked)

    def took_back(self, publication: Publication, error: KafkaError) -> bool:
        """Keep a message that is to be sent again; ``False``: it is itself what was refused."""
        topic, batch = publication.topic, publication.batch
        assert batch is not None

        if error.code() not in OF_BATCH:
            return False

        if batch.is_alone:
            if topic in self.parked:
                self.parked[topic].found()

            return False

        if topic not in self.parked:
            self._park(topic)

        # Also for whom nobody waits any more: it was in that batch, and is not sent again.
        self.parked[topic].take_back(publication)
        return True

    def _park(self, topic: str) -> None:
        pending = [
            batch
            for batch in self._on_their_way
            if any(each.topic == topic for each in batch.members)
        ]
        parked = self.parked[topic] = Parked(pending)
        self._turns.append(parked)
        others = [each for each in self.usual if each.topic != topic]
        parked.extend(each for each in self.usual if each.topic == topic)
        self.usual.clear()
        self.usual.extend(others)

    def stored(self, publication: Publication) -> None:
        """Take note of a message that the brokers have."""
        if publication.topic in self.parked:
            self.parked[publication.topic].stored(publication)
