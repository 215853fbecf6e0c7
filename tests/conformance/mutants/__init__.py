"""Backends that are wrong on purpose: ours with one piece of text replaced, each caught by name."""

from __future__ import annotations

from . import caching, messaging, storage
from ._mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS: tuple[Mutant, ...] = (*caching.MUTANTS, *messaging.MUTANTS, *storage.MUTANTS)
"""All of them."""
