"""The checks of a messaging.

A backend of level ``core`` is asked M1, M2, M4, M5, M7, G1, G3 for calls one after another, G4,
G11 and E; ``FEATURES`` says what the others ask for, ``FAULT_FEATURES`` what some of those of the
kind ``fault`` do. All of that kind need the option ``deadline=``.
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
    lost_answers,
    order,
    outages,
    payloads,
    publish,
    rebalance,
    recovery,
    reentrancy,
    refusals,
    replay,
    restarts,
    retries,
    silence,
    stops,
    storms,
    subscriptions,
    validation,
    windows,
)
from .features import FAULT_FEATURES, FEATURES

__all__ = ["CHECKS", "FAULT_FEATURES", "FEATURES"]

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
    silence,
    recovery,
    refusals,
    lost_answers,
    outages,
    storms,
    restarts,
)
