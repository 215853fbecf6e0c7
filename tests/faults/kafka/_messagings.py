"""Makes the messagings of the fault tests, and reads what is really in a topic."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Protocol
from uuid import uuid4

from confluent_kafka import Consumer, TopicPartition

from infrastructure._core.codec import MsgpackCodec
from infrastructure.messaging.kafka import KafkaMessaging

from ...servers.kafka_endpoint import KafkaEndpoint

__all__ = [
    "CLOSING",
    "DEADLINE",
    "DRAIN",
    "Make",
    "Note",
    "Place",
    "fresh",
    "logged",
    "make_messaging",
]

DEADLINE = 1.0
"""Seconds that a call of these messagings may take."""

DRAIN = 0.5
"""Seconds that their disconnect waits for handlers."""

CLOSING = DRAIN + 2.0
"""Seconds that it takes at most: then it has committed and left, or does so without its caller."""

_ANSWER = 10.0


class Place(Protocol):
    """Where a broker answers: itself, or a proxy before it."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...


Make = Callable[..., KafkaMessaging]
"""Takes a ``Place``, and the options of ``KafkaMessaging``."""

Note = Callable[[str, object], None]
"""pytest's ``record_property``: a figure for the report of ``make soak``."""


def fresh() -> str:
    """Return a name that nobody else has: the broker of the run is shared."""
    return f"test-{uuid4().hex[:12]}"


def make_messaging(place: Place, **options: Any) -> KafkaMessaging:
    """Return an unconnected messaging, in a group of its own."""
    given = {"deadline": DEADLINE, "drain_timeout": DRAIN, "dead_letters": False}
    url = f"kafka://{place.host}:{place.port}"
    return KafkaMessaging(url, **{"group_id": fresh(), **given, **options})


def logged(server: KafkaEndpoint, topic: str) -> list[tuple[str | None, Any]]:
    """Return key and payload of every message of ``topic``, those of a partition in their order."""
    found: list[tuple[str | None, Any]] = []

    with closing(server.consumer(fresh())) as consumer:
        for number in _led(consumer, topic):
            found += _partition(consumer, TopicPartition(topic, number, 0))

    return found


def _led(consumer: Consumer, topic: str) -> list[int]:
    """Return the partitions when each has a leader: a broker that was away may be back without them."""
    until = time.monotonic() + _ANSWER

    while True:
        found = consumer.list_topics(topic, _ANSWER).topics[topic]

        if found.error is None and all(each.leader >= 0 for each in found.partitions.values()):
            return list(found.partitions)

        assert time.monotonic() < until, f"who leads {found.partitions}?"
        time.sleep(0.02)


def _partition(consumer: Consumer, place: TopicPartition) -> list[tuple[str | None, Any]]:
    found: list[tuple[str | None, Any]] = []
    _, end = consumer.get_watermark_offsets(place, _ANSWER)
    consumer.assign([place])
    offset = 0

    while offset < end:
        message = consumer.poll(_ANSWER)
        assert message is not None, f"nothing came at {offset} of {end} in {place}"
        assert message.error() is None, message.error()
        offset = message.offset() + 1
        key = message.key()
        found.append((key.decode() if key else None, MsgpackCodec().decode(message.value())))

    return found
