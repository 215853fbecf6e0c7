"""E and G12: what the errors of a cache are and say, and what no text shows."""

from __future__ import annotations

import builtins

from ...interfaces import (
    ConnectionError,
    InfrastructureError,
    TimeoutError,
    ValidationError,
    deadline,
)
from .._check import check
from .._expect import equal, exactly, raises
from .._harness import CachingHarness

__all__ = [
    "E1_a_refused_argument_was_not_applied",
    "E1_a_timeout_is_the_builtin_one_too",
    "E1_not_connected_is_retryable_and_a_builtin_error",
    "E3_errors_say_something",
    "G12_repr_and_errors_show_no_value",
]

_SECRET = "correct horse battery staple"  # noqa: S105 - what must not be seen


@check()
async def E1_a_refused_argument_was_not_applied(harness: CachingHarness) -> None:
    """ValidationError: ``outcome`` is not_applied, it is not retryable."""
    async with harness.make() as cache:
        error = await raises(ValidationError, lambda: cache.set("key", object()), "an object")
        assert isinstance(error, InfrastructureError)
        equal(error.outcome, "not_applied")
        exactly(error.retryable, False)


@check()
async def E1_not_connected_is_retryable_and_a_builtin_error(harness: CachingHarness) -> None:
    """``except OSError`` and ``except builtins.ConnectionError`` catch ours."""
    cache = harness.make()
    error = await raises(ConnectionError, lambda: cache.get("key"), "get before connect")
    assert isinstance(error, builtins.ConnectionError)
    assert isinstance(error, InfrastructureError)
    exactly(error.retryable, True)


@check(feature="deadlines")
async def E1_a_timeout_is_the_builtin_one_too(harness: CachingHarness) -> None:
    """``except builtins.TimeoutError`` catches ours."""
    async with harness.make() as cache:
        with deadline(1e-9):
            error = await raises(TimeoutError, lambda: cache.get("key"), "get too late")

        assert isinstance(error, builtins.TimeoutError)
        assert isinstance(error, InfrastructureError)


@check()
async def E3_errors_say_something(harness: CachingHarness) -> None:
    """The text of an error tells what was wrong, in more than a word."""
    cache = harness.make()
    closed = await raises(ConnectionError, lambda: cache.get("key"), "get before connect")

    async with cache:
        refused = await raises(ValidationError, lambda: cache.set("key", object()), "an object")
        malformed = await raises(ValidationError, lambda: cache.scan_keys("a["), "a[")

    for error in (closed, refused, malformed):
        assert len(str(error).split()) >= 4, f"{type(error).__name__} says {str(error)!r} only"

    assert "a[" in str(malformed), f"the text does not show the pattern: {malformed}"


@check(feature="secrets")
async def G12_repr_and_errors_show_no_value(harness: CachingHarness) -> None:
    """Neither repr, before and after connect, nor an error's text shows what is stored."""
    cache = harness.make()
    shown = [repr(cache)]

    async with cache:
        await cache.set("key", _SECRET)
        value = {"password": _SECRET, "bad": object()}
        error = await raises(ValidationError, lambda: cache.set("key", value), "an object inside")
        shown += [repr(cache), str(error), repr(error)]
        assert repr(cache) != shown[0], "repr does not show whether it is connected"

    for text in shown:
        assert _SECRET not in text, f"a stored value is shown: {text}"
        assert len(text) > 5
