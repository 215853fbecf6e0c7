"""KafkaMessaging's consuming side under faults, on a real broker: each test is named by the fault that it makes."""

from __future__ import annotations
