"""What a mistake is planted into that only a real server shows: the storage on PostgreSQL."""

from __future__ import annotations

from functools import partial

from ...postgres_on_own_server import OwnPlainHarness, OwnPostgresHarness
from .._mutant import Mutant

__all__ = ["on_server", "unshared"]

on_server = partial(Mutant, interface="storage", harness=OwnPostgresHarness)
"""A mistake in the storage on PostgreSQL, or in what every backend is made of."""

unshared = partial(on_server, harness=OwnPlainHarness)
"""One that shared connections would hide."""
