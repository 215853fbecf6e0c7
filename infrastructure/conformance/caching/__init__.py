"""The checks of a cache.

A backend of level ``core`` is asked C1 to C7, G1, G3 for calls one after another, G4, G11, G13
and E; ``FEATURES`` says what the others ask for.
"""

from __future__ import annotations

from .._check import Check, checks_of
from . import (
    batch,
    cancellation,
    contract,
    deadlines,
    errors,
    flights,
    get_or_set,
    keys,
    lifecycle,
    removal,
    scan,
    ttl,
    values,
)
from .features import FEATURES

__all__ = ["CHECKS", "FEATURES"]

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
)
"""Every check of a cache."""
