"""What a failed call means."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from infrastructure.interfaces import (
    ConfigurationError,
    ConflictError,
    ConnectionError,
    OperationError,
    TimeoutError,
    ValidationError,
)
from infrastructure.messaging._attempts import Trouble, Undecodable, Verdict, judge, pause
from infrastructure.messaging._options import DeliveryOptions


class Foreign(Exception):
    retryable = True


TABLE: list[tuple[Exception, Verdict]] = [
    (ConnectionError("ours"), Verdict.WAIT),
    (builtins.ConnectionError("builtin"), Verdict.WAIT),
    (BrokenPipeError("builtin subclass"), Verdict.WAIT),
    (ConfigurationError("settings"), Verdict.WAIT),
    (OperationError("retryable", retryable=True), Verdict.WAIT),
    (ConflictError("always retryable"), Verdict.WAIT),
    (TimeoutError("retryable", retryable=True), Verdict.WAIT),
    (Foreign(), Verdict.WAIT),
    (TimeoutError("not retryable"), Verdict.RETRY),
    (builtins.TimeoutError(), Verdict.RETRY),
    (OperationError("refused"), Verdict.RETRY),
    (OSError("a file"), Verdict.RETRY),
    (KeyError("bug"), Verdict.RETRY),
    (ValidationError("bad"), Verdict.BURY),
    (Undecodable("bad bytes"), Verdict.BURY),
]


@pytest.mark.parametrize(("error", "verdict"), TABLE, ids=lambda each: repr(each)[:40])
def test_first_failure(error: Exception, verdict: Verdict) -> None:
    """Each class of errors has its verdict."""
    assert judge(Trouble(), error, DeliveryOptions(), 0.0) is verdict


def test_the_last_attempt_buries() -> None:
    """Three failures are three attempts; outages between them count nothing."""
    trouble, options = Trouble(), DeliveryOptions()
    errors = [ValueError(), ConnectionError(), ValueError(), ConnectionError(), ValueError()]
    verdicts = [judge(trouble, error, options, 0.0) for error in errors]
    assert [verdict.name for verdict in verdicts] == ["RETRY", "WAIT", "RETRY", "WAIT", "BURY"]
    assert trouble.attempts == 3


def test_reject_on_replaces_the_default() -> None:
    """Only the classes named are rejected at once."""
    options = DeliveryOptions(reject_on=(KeyError,))
    assert judge(Trouble(), KeyError(), options, 0.0) is Verdict.BURY
    assert judge(Trouble(), ValidationError("bad"), options, 0.0) is Verdict.RETRY


def test_an_outage_that_lasts_too_long_counts() -> None:
    """After outage_retry seconds without another outcome each further failure is an attempt."""
    trouble, options = Trouble(), DeliveryOptions(outage_retry=10, attempts=2)
    error = ConnectionError("down")
    assert judge(trouble, error, options, 0.0) is Verdict.WAIT
    assert judge(trouble, error, options, 9.9) is Verdict.WAIT
    assert judge(trouble, error, options, 10.0) is Verdict.RETRY
    assert judge(trouble, error, options, 11.0) is Verdict.WAIT
    assert judge(trouble, error, options, 21.0) is Verdict.BURY


def test_a_batch_is_repeated_once_then_split() -> None:
    """None of several messages is buried before it failed alone."""
    trouble, options = Trouble(), DeliveryOptions(attempts=1)
    assert judge(trouble, ValidationError("one of us"), options, 0.0, messages=3) is Verdict.RETRY
    assert judge(trouble, ValidationError("one of us"), options, 0.0, messages=3) is Verdict.SPLIT


def test_a_batch_with_a_broken_message_is_split_at_once() -> None:
    """The handler was not called: nothing is counted."""
    trouble = Trouble()
    verdict = judge(trouble, Undecodable("bytes"), DeliveryOptions(), 0.0, messages=3)
    assert (verdict, trouble.attempts) == (Verdict.SPLIT, 0)


@pytest.mark.parametrize(
    ("fields", "random", "seconds"),
    [
        ({"attempts": 1}, 0.0, 0.1),
        ({"attempts": 2}, 0.0, 0.2),
        ({"attempts": 4}, 0.0, 0.8),
        ({"attempts": 4}, 0.5, 0.6),
        ({"attempts": 4}, 1.0, 0.4),
        ({"attempts": 100_000}, 0.0, 600.0),
        ({"attempts": 1, "outages": 3}, 0.0, 0.4),
        ({"outages": 100_000}, 0.0, 30.0),
    ],
)
def test_back_off(fields: dict[str, Any], random: float, seconds: float) -> None:
    """It doubles up to its cap, an outage's up to 30 s; the jitter takes up to half of it."""
    options = DeliveryOptions(backoff=(0.1, 600.0))
    assert pause(Trouble(**fields), options, random) == pytest.approx(seconds)
