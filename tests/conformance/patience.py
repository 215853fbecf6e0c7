"""How long a check waits for what must come, where it is asked of a wrong backend and of the right one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infrastructure.conformance.caching import _factory
from infrastructure.conformance.messaging import _inbox

from .mutants import MUTANTS

__all__ = ["ON_BROKERS", "waiting"]


@contextmanager
def waiting(seconds: float) -> Iterator[None]:
    """Wait less for what a wrong backend never does than the checks do for a real broker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_inbox, "PATIENCE", seconds)
        patch.setattr(_factory, "PATIENCE", seconds)
        yield


def _on_brokers() -> dict[str, float]:
    shortest: dict[str, float] = {}

    for mutant in MUTANTS:
        if mutant.on_brokers:
            for name in mutant.caught_by:
                shortest[name] = min(mutant.patience, shortest.get(name, mutant.patience))

    return shortest


ON_BROKERS = _on_brokers()
"""The checks that a mutant on a broker is asked, and the seconds that they wait for it.

The messaging that is right is asked them with no more patience: else a mutant might be caught for
being on a broker that takes its time.
"""
