"""Who is told what happens on the thread of a consumer, and who is told when nobody wants to know any more."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event
from typing import Protocol

from confluent_kafka import KafkaError

from .._record import Partition
from ._records import Batch

__all__ = ["Listener", "Nobody"]


class Listener(Protocol):
    """Who is told on the event loop, in this order, what happened on the thread."""

    def fetched(self, batch: Batch) -> None:
        """Take messages."""

    def assigned(self, partitions: Sequence[Partition], naming: int) -> None:
        """Take over partitions, perhaps none; the driver knew the topics of that ``naming``."""

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        """Give partitions up, and set ``done`` when that is done: the thread waits for it."""

    def lost(self, partitions: Sequence[Partition]) -> None:
        """Give up what is somebody else's by now."""

    def failed(self, error: KafkaError) -> None:
        """Take note that the consumer does nothing more."""

    def refused(self, error: KafkaError) -> None:
        """Take note that the brokers do not let us read."""

    def refused_one(self, topic: str, error: KafkaError) -> None:
        """Take note that the brokers do not let us read a topic that the group has assigned."""

    def cut_off(self, reason: str) -> None:
        """Take note that no broker can be reached."""


class Nobody:
    """Takes nothing: the event loop has given everything up."""

    def fetched(self, batch: Batch) -> None: ...

    def assigned(self, partitions: Sequence[Partition], naming: int) -> None: ...

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        done.set()

    def lost(self, partitions: Sequence[Partition]) -> None: ...

    def failed(self, error: KafkaError) -> None: ...

    def refused(self, error: KafkaError) -> None: ...

    def refused_one(self, topic: str, error: KafkaError) -> None: ...

    def cut_off(self, reason: str) -> None: ...
