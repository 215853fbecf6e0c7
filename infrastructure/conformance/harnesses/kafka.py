"""The harness of the messaging over Apache Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from ..._core.urls import parse_url
from ...messaging._registrations import Registration
from ...messaging.kafka import KafkaMessaging
from ...messaging.kafka._brokers import remove_topics
from ...messaging.kafka._worker import Worker
from .._faults import FaultHarness
from .._harness import MessagingHarness
from ._kafka_way import way_to
from ._urls import through, without

__all__ = ["KafkaHarness"]

_NOT_OURS: Final = "the brokers of a URL are not ours to stop"
_USUAL: Final = {"create_topics": True, "partitions": 4, "replication": 1}
"""What the topics of the checks are made with, unless the URL says so."""

_PATIENCE: Final = 5.0
"""Seconds that the brokers have to remove what a check made, and"""

_MAKING: Final = 6.0
"""those that they have to make what was wanted before: one more than a question to them takes."""


class KafkaHarness(MessagingHarness):
    """A group of its own for each check; topics are made when a check names them, and removed.

    Faults are tried where the one broker of the URL sends its clients to a port of this machine
    at which nobody listens: there the proxy stands. Elsewhere they would go past it.
    """

    missing: Mapping[str, str] = MappingProxyType(
        {
            "bounded_log": "the log is on the brokers' disks: publish waits for no room",
            "retain": "the brokers keep messages, for as long as they are told to",
            "server_faults": _NOT_OURS,
            "outlives_kills": _NOT_OURS,
        }
    )

    def __init__(
        self, url: str = "kafka://localhost:9092", *, faults: FaultHarness | None = None
    ) -> None:
        self._url = url
        self._group = f"conform-{uuid4().hex}"
        self._named: set[str] = set()
        self._makers: list[Worker] = []
        self.faults: FaultHarness | None = faults

        if faults is None:
            way = way_to(url)
            self.faults = FaultHarness(way.target, port=way.port) if way.port else None
            self.without_faults: str = way.hindrance

    def group(self, name: str) -> str:
        """Return a group of this check's own."""
        return f"{self._group}-{name}"

    def make(self, **options: Any) -> KafkaMessaging:
        """Return a messaging of this check's group."""
        group = self.group(options.pop("group_id", None) or "default")
        self._named.update({options["dead_letter_topic"]} if "dead_letter_topic" in options else ())
        url = without(through(self._url, self.faults), {*options, "group_id"})
        told = parse_url(url).options
        usual = {name: value for name, value in _USUAL.items() if name not in told}
        return _Naming(url, self._named, self._makers, group_id=group, **{**usual, **options})

    async def close(self) -> None:
        """Remove the topics that the check named; where that is not allowed they stay."""
        # One that failed may have left it broken.
        if self.faults is not None and self.faults.is_open:
            self.faults.proxy.heal()

        if not self._named:
            return

        worker = Worker("kafka harness")

        try:
            await worker.call(self._remove)
        finally:
            worker.end_thread()

    def _remove(self) -> None:
        # One that is being made, for somebody who was cancelled, would be there afterwards.
        until = monotonic() + _MAKING

        for maker in self._makers:
            maker.end_thread()

        for maker in self._makers:
            maker.join(max(0.0, until - monotonic()))

        names = {*self._named, *(f"{topic}.dlq" for topic in self._named)}
        remove_topics(KafkaMessaging(through(self._url, self.faults))._settings, names, _PATIENCE)


class _Naming(KafkaMessaging):
    """Notes each topic that it may have made, and who makes it."""

    def __init__(self, url: str, named: set[str], makers: list[Worker], **options: Any) -> None:
        self._named = named
        self._makers = makers
        super().__init__(url, **options)

    async def _open(self) -> None:
        try:
            await super()._open()
        finally:
            self._makers += filter(None, [self._worker])

    async def _ensure(self, topic: str, operation: str, expires: float) -> None:
        if isinstance(topic, str):
            self._named.add(topic)

        await super()._ensure(topic, operation, expires)

    async def _prepare(self, topic: str, *registrations: Registration) -> None:
        self._named.add(topic)
        await super()._prepare(topic, *registrations)
