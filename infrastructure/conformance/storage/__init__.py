"""The checks of a storage.

A backend of level ``core`` is asked S1 to S3, S6, S7 without savepoints, the type texts of S12,
G1, G3 for calls one after another, G4, G11 and E; ``FEATURES`` says what the others ask for.
"""

from __future__ import annotations

from .._check import Check, checks_of
from . import (
    blocks,
    bulk,
    cancellation,
    contract,
    deadlines,
    errors,
    expressions,
    hypertables,
    joined_tasks,
    lifecycle,
    placeholders,
    ranges,
    rows,
    schemas,
    statements,
    stream,
    tables,
    time_bucket,
    transactions,
    values,
)
from .features import FEATURES

__all__ = ["CHECKS", "FEATURES"]

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
)
"""Every check of a storage."""
