"""Wrong storages, on SQLite and on PostgreSQL, by what they get wrong."""

from __future__ import annotations

from .._mutant import Mutant
from . import (
    answers,
    blocks,
    bulk,
    connections,
    deadlines,
    errors,
    lifecycle,
    rows,
    silence,
    statements,
    tables,
    tasks,
    times,
    transactions,
    types,
    values,
)

__all__ = ["MUTANTS"]

MUTANTS: tuple[Mutant, ...] = (
    *lifecycle.MUTANTS,
    *statements.MUTANTS,
    *rows.MUTANTS,
    *values.MUTANTS,
    *types.MUTANTS,
    *bulk.MUTANTS,
    *transactions.MUTANTS,
    *tasks.MUTANTS,
    *blocks.MUTANTS,
    *tables.MUTANTS,
    *times.MUTANTS,
    *deadlines.MUTANTS,
    *errors.MUTANTS,
    *silence.MUTANTS,
    *connections.MUTANTS,
    *answers.MUTANTS,
)
"""All of them."""
