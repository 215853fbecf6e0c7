"""The suite under pytest: ``test_contract = conformance(MyHarness)``, and ``faults`` likewise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ._check import Check, Kind
from ._harness import Harness, wanted
from ._run import run_check
from ._suites import suite_of

__all__ = ["conformance", "faults"]


def conformance(
    make_harness: Callable[[], Harness[Any]], *, limit: float = 60.0
) -> Callable[[Check], None]:
    """Return a test with one case for each check that applies, to be named ``test_…``.

    ``make_harness`` is a harness class or whatever makes one; it is called for every check,
    and once more at collection. ``limit`` is how long a check may take, in seconds. Needs no
    plugin: each check has an event loop of its own.
    """
    return _cases(make_harness, "conformance", limit)


def faults(
    make_harness: Callable[[], Harness[Any]], *, limit: float = 60.0
) -> Callable[[Check], None]:
    """Return a test with one case for each fault check that applies, as ``conformance`` does."""
    return _cases(make_harness, "fault", limit)


def _cases(
    make_harness: Callable[[], Harness[Any]], kind: Kind, limit: float
) -> Callable[[Check], None]:
    declared = make_harness()
    checks = [
        check
        for check in suite_of(declared).checks
        if check.kind == kind and wanted(check, declared, faults=True)
    ]

    @pytest.mark.parametrize("check", checks, ids=[check.name for check in checks])
    def test_contract(check: Check) -> None:
        """What the contract promises of this backend."""
        __tracebackhide__ = True
        result = run_check(check, make_harness, limit=limit)

        if result.error is not None:
            result.error.add_note(f"{check.name}: {check.text}")
            raise result.error

    return test_contract
