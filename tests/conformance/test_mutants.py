"""Each mistake that is planted into a backend of ours is caught, by the checks named with it."""

from __future__ import annotations

import pytest

from infrastructure.conformance import SUITES, Check, Result, harnesses_of, run_check

from . import test_kafka, test_kafka_faults
from .mutants import MUTANTS
from .mutants._mutant import Mutant
from .patience import ON_BROKERS, waiting

URLS = {"caching": "memory://", "messaging": "memory://", "storage": "sqlite://"}
_CHECKS = {(suite.interface, check.name): check for suite in SUITES for check in suite.checks}


def check_of(mutant: Mutant, name: str) -> Check:
    """Return the check of the mutant's interface: others may have one of that name."""
    return _CHECKS[mutant.interface, name]


def _result(check: Check, mutant: Mutant) -> Result:
    make_harness = mutant.harness or harnesses_of(URLS[mutant.interface])[mutant.interface]

    with waiting(mutant.patience):
        return run_check(check, make_harness, limit=mutant.limit)


def _failed(check: Check, mutant: Mutant) -> bool:
    """Return whether the check notices: a fault, or what a broker does, may come at a harmless moment."""
    tries = 4 if check.kind == "fault" or mutant.on_brokers else 1
    return any(_result(check, mutant).status == "failed" for _ in range(tries))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant) -> None:
    """By every check that says it would."""
    with mutant.planted():
        missed = [name for name in mutant.caught_by if not _failed(check_of(mutant, name), mutant)]

    assert not missed, f"{mutant.name} was not noticed by {missed}"
    assert mutant.caught_by, "a mutant that nothing catches proves nothing"


def test_it_is_the_mistake_that_is_caught() -> None:
    """Not that brokers are slower than the check has patience: the right backend is asked it as hurriedly."""
    right = (test_kafka.test_kafka, test_kafka_faults.test_kafka_messaging)
    asked = {
        check.name
        for mark in (mark for test in right for mark in getattr(test, "pytestmark", ()))
        if mark.name == "parametrize"
        for check in mark.args[1]
    }
    assert ON_BROKERS.keys() <= asked


def test_names_are_unique() -> None:
    """A name tells one mutant."""
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)
