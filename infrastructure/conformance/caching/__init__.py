"""The checks of a cache.

A backend of level ``core`` is asked C1 to C7, G1, G3 for calls one after another, G4, G11, G13
and E; ``FEATURES`` says what the others ask for, ``FAULT_FEATURES`` what some of those of the
kind ``fault`` do. All of that kind need the option ``deadline=``.
"""

from __future__ import annotations

from .._check import Check, checks_of
from . import (
    batch,
    broken_answers,
    cancellation,
    contract,
    deadlines,
    errors,
    flights,
    get_or_set,
    keys,
    lifecycle,
    lost_answers,
    recovery,
    refusals,
    removal,
    restarts,
    scan,
    silence,
    storms,
    ttl,
    values,
)
from .features import FAULT_FEATURES, FEATURES

__all__ = ["CHECKS", "FAULT_FEATURES", "FEATURES"]

CHECKS: tuple[Check, ...] = checks_of(
    contract,
    keys,
    values,
    ttl,
    removal,
    scan,
    batch,
    get_or_set,
    flights,
    lifecycle,
    deadlines,
    cancellation,
    errors,
    silence,
    recovery,
    refusals,
    lost_answers,
    broken_answers,
    storms,
    restarts,
)
"""Every check of a cache."""
