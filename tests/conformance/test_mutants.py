"""Each mistake that is planted into a backend of ours is caught, by the checks named with it."""

from __future__ import annotations

import pytest

from infrastructure.conformance import SUITES, Check, harnesses_of, run_check
from infrastructure.conformance.caching import _factory
from infrastructure.conformance.messaging import _inbox

from .mutants import MUTANTS
from .mutants._mutant import Mutant

LIMIT = 5.0
"""Seconds after which a check that waits for what a mutant never does has caught it."""

URLS = {"caching": "memory://", "messaging": "memory://", "storage": "sqlite://"}
_CHECKS = {check.name: check for suite in SUITES for check in suite.checks}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a wrong backend never delivers is not waited for as long as a real broker is."""
    monkeypatch.setattr(_inbox, "PATIENCE", 0.3)
    monkeypatch.setattr(_factory, "PATIENCE", 0.3)


def _failed(check: Check, mutant: Mutant) -> bool:
    """Return whether the check notices; a fault comes at its own moment, perhaps a harmless one."""
    make_harness = mutant.harness or harnesses_of(URLS[mutant.interface])[mutant.interface]
    tries = 4 if check.kind == "fault" else 1
    return any(run_check(check, make_harness, limit=LIMIT).status == "failed" for _ in range(tries))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    """By every check that says it would."""
    with mutant.planted():
        missed = [name for name in mutant.caught_by if not _failed(_CHECKS[name], mutant)]

    assert not missed, f"{mutant.name} was not noticed by {missed}"
    assert mutant.caught_by, "a mutant that nothing catches proves nothing"


def test_names_are_unique() -> None:
    """A name tells one mutant."""
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)
