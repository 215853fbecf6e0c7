"""One message on its way to the brokers, and those that were handed over together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError

from ._acknowledgements import Acknowledgements
from ._records import Headers
from ._spread import DRIVER, Spread

__all__ = ["Batch", "Publication"]


_NUMBERS = count()


class Publication:
    """One message on its way; ``answer`` is set when the brokers have it.

    ``is_ordered``  whether it may not come behind later ones of its key.
    ``batch``       with which it was handed over.
    ``error``       what the driver has reported, when it has.
    """

    __slots__ = (
        "answer",
        "batch",
        "error",
        "expires",
        "headers",
        "is_ordered",
        "key",
        "payload",
        "topic",
    )

    error: KafkaError | None

    def __init__(
        self,
        topic: str,
        key: bytes | str | None,
        payload: bytes | None,
        headers: Headers,
        expires: float,
        answer: asyncio.Future[None],
        is_ordered: bool = False,
    ) -> None:
        self.topic = topic
        self.key = key
        self.payload = payload
        self.headers = headers
        self.expires = expires
        self.answer = answer
        self.is_ordered = is_ordered
        self.batch: Batch | None = None

    @property
    def tried(self) -> str:
        """What errors say of it."""
        return f"publish to {self.topic}"

    def __call__(self, error: KafkaError | None, _message: object) -> None:
        """Take librdkafka's report; called wherever the driver is asked for it."""
        # A bound method for each message would be one more object that the collector looks at.
        self.error = error
        self.batch.reports.append(self)  # type: ignore[union-attr]

    def placed(self, error: KafkaError | None, message: Any) -> None:
        """Take the report of one whose partition was the driver's choice."""
        if error is None:
            self.batch.partitions[self.topic] = message.partition()  # type: ignore[union-attr]

        self(error, message)


class Batch:
    """Messages that were handed over together.

    ``sender``      who reports of them, in ``reports``.
    ``left``        how many have no report yet.
    ``since``       when they were handed over.
    ``beside``      where it is one message: others that the driver might send with it, and how many of
                    each had no report when it left. ``None``: it is not known to be without others.
    ``number``      of batches in the order in which they left.
    ``partitions``  of messages without a key, by topic; -1: not known yet.
    """

    __slots__ = (
        "_places",
        "beside",
        "left",
        "members",
        "number",
        "partitions",
        "reports",
        "sender",
        "since",
    )

    def __init__(self, sender: Acknowledgements) -> None:
        self.sender, self.reports = sender, sender.reports
        self.members: list[Publication] = []
        self.partitions: dict[str, int] = {}
        self.left = 0
        self.beside: list[tuple[Batch, int]] | None = None
        self.number = next(_NUMBERS)
        self._places: dict[Publication, int] = {}
        self.since = monotonic()

    @property
    def is_alone(self) -> bool:
        """Whether it was one message, and the driver sent no other with it."""
        # Of those that go together it reports one after the other, in their order.
        return self.beside is not None and all(each.left == left for each, left in self.beside)

    def place_of(self, publication: Publication) -> int:
        """Return where in it a message is."""
        if not self._places:
            self._places = {each: place for place, each in enumerate(self.members)}

        return self._places[publication]

    def end(self) -> None:
        """Let go of the messages, of which all was reported."""
        # They know it, and it them: else they stay until the collector comes.
        self.members.clear()
        self._places.clear()
        self.beside = None

    def fill(
        self,
        waiting: deque[Publication],
        room: int,
        spread: Spread,
        produce: Callable[..., None],
    ) -> None:
        """Give librdkafka messages that wait, so many at most; one that it does not take still waits."""
        partitions = self.partitions

        while waiting and room:
            each = waiting[0]

            if not each.answer.done():
                topic, partition = each.topic, DRIVER
                told: Callable[..., None] = each

                if each.key is None:
                    if topic not in partitions:
                        partitions[topic] = spread.take(topic)

                    partition = partitions[topic]
                    told = each if partition != DRIVER else each.placed

                each.batch = self
                # By position it takes two thirds of the time; its time is now.
                try:
                    produce(topic, each.payload, each.key, partition, told, None, 0, each.headers)
                except BaseException:
                    each.batch = None
                    raise

                self.members.append(each)
                room -= 1

            waiting.popleft()
