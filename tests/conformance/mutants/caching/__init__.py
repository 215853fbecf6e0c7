"""Wrong caches, by what they get wrong."""

from __future__ import annotations

from .._mutant import Mutant
from . import (
    answers,
    batch,
    connections,
    deadlines,
    errors,
    flights,
    keys,
    lifecycle,
    removal,
    scan,
    silence,
    ttl,
    values,
)

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    *keys.MUTANTS,
    *values.MUTANTS,
    *ttl.MUTANTS,
    *removal.MUTANTS,
    *scan.MUTANTS,
    *batch.MUTANTS,
    *flights.MUTANTS,
    *lifecycle.MUTANTS,
    *deadlines.MUTANTS,
    *errors.MUTANTS,
    *silence.MUTANTS,
    *answers.MUTANTS,
    *connections.MUTANTS,
)
"""All of them."""
