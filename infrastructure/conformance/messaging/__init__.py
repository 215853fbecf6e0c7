"""The checks of a messaging.

A backend of level ``core`` is asked M1, M2, M4, M5, M7, G1, G3 for calls one after another, G4,
G11 and E; ``FEATURES`` says what the others ask for.
"""

from __future__ import annotations

from .._check import checks_of
from . import (
    batches,
    cancellation,
    dead_letters,
    deadlines,
    drain,
    endings,
    groups,
    handlers,
    lifecycle,
    order,
    payloads,
    publish,
    rebalance,
    reentrancy,
    replay,
    retries,
    stops,
    subscriptions,
    validation,
    windows,
)
from .features import FEATURES

__all__ = ["CHECKS", "FEATURES"]

CHECKS = checks_of(
    publish,
    payloads,
    validation,
    handlers,
    groups,
    subscriptions,
    reentrancy,
    order,
    retries,
    dead_letters,
    stops,
    replay,
    batches,
    windows,
    rebalance,
    lifecycle,
    drain,
    endings,
    cancellation,
    deadlines,
)
