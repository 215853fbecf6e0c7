"""Parts of Kafka messaging by themselves, on a real broker."""

from __future__ import annotations

import ctypes
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from threading import Event
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError

from infrastructure._core.outage import OutageLog
from infrastructure.messaging._record import Partition
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.messaging.kafka._configuration import producer_configuration
from infrastructure.messaging.kafka._publisher import Publisher
from infrastructure.messaging.kafka._records import Batch

from ...servers.kafka_endpoint import KafkaEndpoint
from ...servers.kafka_messages import read

__all__ = ["FOR_EVER", "Heard", "connected", "make_fatal", "new_group", "publishing", "stored"]

FOR_EVER = float("inf")


def new_group() -> str:
    return f"group-{secrets.token_hex(4)}"


@asynccontextmanager
async def connected(endpoint: KafkaEndpoint, **options: Any) -> AsyncIterator[KafkaMessaging]:
    """Give a messaging of a group of its own."""
    async with KafkaMessaging(endpoint.url, **{"group_id": new_group(), **options}) as messaging:
        yield messaging


@asynccontextmanager
async def publishing(
    endpoint: KafkaEndpoint, deadline: float = FOR_EVER, **librdkafka: Any
) -> AsyncIterator[Publisher]:
    """Give a publisher that has reached its broker."""
    settings = KafkaMessaging(endpoint.url, librdkafka=librdkafka or None)._settings
    outage = OutageLog(lambda: "the test", "the brokers are")
    configuration = producer_configuration(settings, deadline)
    publisher = Publisher(configuration, "the test", outage, lambda topic: None)

    try:
        assert publisher.client.cluster_id(10)
        publisher.is_reached = True
        yield publisher
    finally:
        publisher.close()


def stored(endpoint: KafkaEndpoint, topic: str, count: int, within: float = 10.0) -> list[str]:
    """Return the texts of the first ``count`` messages, fewer where no more come in time."""
    with closing(endpoint.consumer(new_group())) as consumer:
        return read(consumer, topic, count, within)


def make_fatal(client: Any) -> None:
    """Have a client of librdkafka meet what it never recovers from."""
    [library] = (Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob(
        "librdkafka-*.so*"
    )
    # Its handle is the first field behind the head of the Python object.
    handle = ctypes.c_void_p.from_address(id(client) + object.__basicsize__)
    code = KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER
    ctypes.CDLL(str(library)).rd_kafka_test_fatal_error(handle, code, b"as the test wants it")


class Heard:
    """A listener of a consumer's thread that keeps what it is told."""

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.payloads: list[Any] = []
        self.owned: set[Partition] = set()
        self.assignments = 0
        self.given_up = 0
        self.errors: list[KafkaError] = []
        self.reasons: list[str] = []

    def fetched(self, batch: Batch) -> None:
        for _, records in batch:
            self.offsets += [record.offset for record in records]
            self.payloads += [record.payload for record in records]

    def assigned(self, partitions: Sequence[Partition], naming: int) -> None:
        self.assignments += 1
        self.owned |= set(partitions)

    def revoked(self, partitions: Sequence[Partition], done: Event) -> None:
        self.given_up += 1
        self.owned -= set(partitions)
        done.set()

    def lost(self, partitions: Sequence[Partition]) -> None:
        self.owned -= set(partitions)

    def failed(self, error: KafkaError) -> None:
        self.errors.append(error)

    def refused(self, error: KafkaError) -> None:
        self.errors.append(error)

    def cut_off(self, reason: str) -> None:
        self.reasons.append(reason)
