"""A driver's error becomes ours once, by its most specific class."""

from __future__ import annotations

import builtins

import pytest

from infrastructure._core.errors import translate, translated
from infrastructure.interfaces import ConnectionError, OperationError, ValidationError


class Driver(Exception):
    """The driver's base class."""


class Refused(Driver):
    """A more specific one."""


ERRORS = {
    Driver: OperationError,
    Refused: lambda tried, exc: ConnectionError(f"{tried}: refused by {exc}", outcome="unknown"),
    OSError: ConnectionError,
}


def test_the_most_specific_class_counts() -> None:
    """Whatever the order of the map; a function may look closer."""
    with (
        pytest.raises(ConnectionError, match="get: refused by peer") as caught,
        translated(ERRORS, "get"),
    ):
        raise Refused("peer")

    assert caught.value.outcome == "unknown"
    assert type(caught.value.__cause__) is Refused

    with pytest.raises(OperationError, match="get: odd"), translated(ERRORS, "get"):
        raise Driver("odd")


def test_ours_pass_untouched() -> None:
    """Though our ConnectionError is an OSError, which the map names."""
    ours = ConnectionError("ours")

    with pytest.raises(ConnectionError) as caught, translated(ERRORS, "get"):
        raise ours

    assert caught.value is ours


def test_what_is_not_mapped_passes() -> None:
    """It is a bug, or the caller's own."""
    with pytest.raises(KeyError), translated(ERRORS, "get"):
        raise KeyError("own")

    with pytest.raises(KeyError):
        translate(ERRORS, "get", KeyError("own"))


def test_texts_are_scrubbed_and_never_empty() -> None:
    """No password comes through; a silent error shows its class."""
    with pytest.raises(OperationError) as caught, translated(ERRORS, "connect"):
        raise Driver("cannot reach redis://user:hunter2@host")

    assert "hunter2" not in str(caught.value)
    assert str(translate(ERRORS, "get", builtins.BrokenPipeError())) == "get: BrokenPipeError"


def test_a_body_without_error_is_left_alone() -> None:
    """Nothing is translated where nothing is raised."""
    with translated({ValueError: ValidationError}, "get"):
        done = True

    assert done
