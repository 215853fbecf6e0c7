"""The harness of the messaging over Apache Kafka on a broker that may be stopped: what a URL's is not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

from infrastructure.conformance import FaultHarness
from infrastructure.conformance.harnesses.kafka import KafkaHarness
from infrastructure.messaging.kafka import KafkaMessaging
from infrastructure.testing import ChaosProxy

from ..servers import shared
from ..servers.ports import HOST
from .kafka_on_server import DRAIN

__all__ = ["OwnKafkaHarness"]


class OwnFaults(FaultHarness):
    """Knows its broker, and where that sends its clients, when a check begins."""

    def __init__(self) -> None:
        super().__init__((HOST, 1))

    async def __aenter__(self) -> Self:
        self.server = server = shared.proxied_kafka()
        assert server.proxy is not None
        assert server.proxied_port is not None
        self.proxy = ChaosProxy((HOST, server.proxied_port), port=server.proxy)
        return await super().__aenter__()

    async def resume(self) -> None:
        """Let it go on; one that was silent for longer than it may is perhaps taken for dead, for a moment."""
        await super().resume()
        await self.server.leads("__consumer_offsets")


class OwnKafkaHarness(KafkaHarness):
    """Everything is tried on it that a broker can show."""

    missing: Mapping[str, str] = MappingProxyType(
        {name: KafkaHarness.missing[name] for name in ("bounded_log", "retain")}
    )

    def __init__(self) -> None:
        super().__init__("kafka://host", faults=OwnFaults())

    def make(self, **options: Any) -> KafkaMessaging:
        """Return a messaging of this check's group."""
        return super().make(**{"drain_timeout": DRAIN, **options})
