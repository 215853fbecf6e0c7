"""Makes the messaging that mutants are planted into."""

from __future__ import annotations

from typing import Any

from infrastructure.conformance.harnesses.memory import MemoryMessagingHarness
from infrastructure.messaging.memory import MemoryMessaging

__all__ = ["ImpatientHarness"]

_DRAIN = 0.3


class ImpatientHarness(MemoryMessagingHarness):
    """A check that failed leaves handlers that nobody lets go: they are not waited for long."""

    def make(self, **options: Any) -> MemoryMessaging:
        """Return a messaging of this check's broker."""
        return super().make(**{"drain_timeout": _DRAIN, **options})
