"""The messaging over Apache Kafka keeps every promise of a messaging but that of a bounded log."""

from __future__ import annotations

from infrastructure.conformance.harnesses.kafka import KafkaHarness
from infrastructure.conformance.pytest import conformance

from ..servers import shared


class OnServer(KafkaHarness):
    """Knows its broker when a check begins: none is started to count the tests."""

    def __init__(self) -> None:
        pass

    async def open(self) -> None:
        super().__init__(shared.kafka().url)


test_kafka = conformance(OnServer)
