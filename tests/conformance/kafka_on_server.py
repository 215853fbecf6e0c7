"""The harness of the messaging over Apache Kafka, on the broker of the run."""

from __future__ import annotations

from typing import Any

from infrastructure.conformance.harnesses.kafka import KafkaHarness
from infrastructure.messaging.kafka import KafkaMessaging

from ..servers import shared

__all__ = ["DRAIN", "OnServer"]

DRAIN = 1.0
"""Seconds that a disconnect waits for handlers, where a check does not say how many."""


class OnServer(KafkaHarness):
    """Knows its broker when a check begins: none is started to count the tests."""

    def __init__(self) -> None:
        # It is asked those checks only that break nothing.
        self.faults = None

    async def open(self) -> None:
        super().__init__(shared.kafka().url)

    def make(self, **options: Any) -> KafkaMessaging:
        """Return a messaging of this check's group."""
        # A check that failed leaves handlers that nobody lets go: they are not waited for long.
        usual = {"drain_timeout": DRAIN, **shared.kafka().messaging_options}
        return super().make(**{**usual, **options})
