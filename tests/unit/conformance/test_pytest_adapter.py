"""The suite under pytest: one case a check, and a failure that reads well."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.conformance import FaultHarness, caching
from infrastructure.conformance.pytest import conformance, faults

from .samples import Plain
from .test_run import DeafHarness


class Breakable(Plain):
    """Says where its server is; nobody goes there."""

    faults = FaultHarness(("127.0.0.1", 1))


def _names(test: Any) -> list[str]:
    (mark,) = test.pytestmark
    return list(mark.kwargs["ids"])


BY_NAME = {check.name: check for check in caching.CHECKS}


def test_there_is_one_case_for_each_check() -> None:
    """Named by it; those that break something are another test's."""
    breaking = [name for name, check in BY_NAME.items() if check.kind == "fault"]
    assert _names(conformance(Plain)) == [name for name in BY_NAME if name not in breaking]
    assert _names(faults(Plain)) == []
    assert _names(faults(Breakable)) == breaking


def test_a_check_that_holds_raises_nothing() -> None:
    """It is a test that passes."""
    conformance(Plain)(BY_NAME["C3_a_stored_none_exists"])


def test_a_failure_names_the_promise() -> None:
    """The error as it was raised in the check, with the promise as its note."""
    check = BY_NAME["C3_a_stored_none_exists"]

    with pytest.raises(AssertionError) as caught:
        conformance(DeafHarness)(check)

    assert caught.value.__notes__ == [f"{check.name}: {check.text}"]
