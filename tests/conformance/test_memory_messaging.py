"""The messaging in process memory keeps every promise of a messaging but durability."""

from __future__ import annotations

from infrastructure.conformance.harnesses.memory import MemoryMessagingHarness
from infrastructure.conformance.pytest import conformance

test_memory_messaging = conformance(MemoryMessagingHarness)
