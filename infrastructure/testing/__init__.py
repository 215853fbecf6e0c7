"""Tools to test with, for our tests and for yours: a chaos proxy, a cancellation injector, a fake clock."""

from __future__ import annotations

from .cancellation import CancellationOutcome, cancel_at, every_cancellation
from .clock import FakeClock
from .proxy import ChaosProxy

__all__ = ["CancellationOutcome", "ChaosProxy", "FakeClock", "cancel_at", "every_cancellation"]
