"""The checks of a storage.

A backend of level ``core`` is asked S1 to S3, S6, S7 without savepoints, the type texts of S12,
G1, G3 for calls one after another, G4, G11 and E; ``FEATURES`` says what the others ask for,
``FAULT_FEATURES`` what some of those of the kind ``fault`` do. All of that kind need the option
``deadline=``.
"""

from __future__ import annotations

from .._check import Check, checks_of
from . import (
    blocks,
    broken_answers,
    bulk,
    cancellation,
    contract,
    deadlines,
    errors,
    expressions,
    hypertables,
    joined_tasks,
    lifecycle,
    lost_answers,
    placeholders,
    ranges,
    recovery,
    refusals,
    restarts,
    rows,
    schemas,
    silence,
    statements,
    storms,
    stream,
    tables,
    time_bucket,
    transactions,
    values,
)
from .features import FAULT_FEATURES, FEATURES

__all__ = ["CHECKS", "FAULT_FEATURES", "FEATURES"]

CHECKS: tuple[Check, ...] = checks_of(
    contract,
    lifecycle,
    placeholders,
    rows,
    statements,
    values,
    ranges,
    expressions,
    bulk,
    transactions,
    joined_tasks,
    blocks,
    tables,
    schemas,
    hypertables,
    time_bucket,
    stream,
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
"""Every check of a storage."""
