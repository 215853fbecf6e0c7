"""The suite under pytest: one case a check, and a failure that reads well."""

from __future__ import annotations

import pytest

from infrastructure.conformance import caching
from infrastructure.conformance.pytest import conformance

from .samples import Plain
from .test_run import DeafHarness

BY_NAME = {check.name: check for check in caching.CHECKS}


def test_there_is_one_case_for_each_check() -> None:
    """Named by it."""
    test = conformance(Plain)
    (mark,) = test.pytestmark  # type: ignore[attr-defined]
    assert list(mark.kwargs["ids"]) == list(BY_NAME)


def test_a_check_that_holds_raises_nothing() -> None:
    """It is a test that passes."""
    conformance(Plain)(BY_NAME["C3_a_stored_none_exists"])


def test_a_failure_names_the_promise() -> None:
    """The error as it was raised in the check, with the promise as its note."""
    check = BY_NAME["C3_a_stored_none_exists"]

    with pytest.raises(AssertionError) as caught:
        conformance(DeafHarness)(check)

    assert caught.value.__notes__ == [f"{check.name}: {check.text}"]
