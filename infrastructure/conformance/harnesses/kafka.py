"""The harness of the messaging over Apache Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from ...messaging.kafka import KafkaMessaging
from .._harness import MessagingHarness

__all__ = ["KafkaHarness"]

_PARTITIONS = 4


class KafkaHarness(MessagingHarness):
    """A group of its own for each check; topics are made when a check names them."""

    missing: Mapping[str, str] = MappingProxyType(
        {
            "bounded_log": "the log is on the brokers' disks: publish waits for no room",
            "retain": "the brokers keep messages, for as long as they are told to",
        }
    )

    def __init__(self, url: str = "kafka://localhost:9092") -> None:
        self._url = url
        self._group = f"conform-{uuid4().hex}"

    def group(self, name: str) -> str:
        """Return a group of this check's own."""
        return f"{self._group}-{name}"

    def make(self, **options: Any) -> KafkaMessaging:
        """Return a messaging of this check's group."""
        group = self.group(options.pop("group_id", None) or "default")
        options = {"create_topics": True, "partitions": _PARTITIONS, "replication": 1, **options}
        return KafkaMessaging(self._url, group_id=group, **options)
