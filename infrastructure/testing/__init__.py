"""Tools to test with, for our tests and for yours: faults of the network, of a server, of time."""

from __future__ import annotations

from .cancellation import CancellationOutcome, cancel_at, every_cancellation
from .clock import FakeClock
from .process import ServerProcess, accepts
from .proxy import ChaosProxy

__all__ = [
    "CancellationOutcome",
    "ChaosProxy",
    "FakeClock",
    "ServerProcess",
    "accepts",
    "cancel_at",
    "every_cancellation",
]
