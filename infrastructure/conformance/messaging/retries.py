"""Retries: errors count as attempts, outages do not."""

from __future__ import annotations

import asyncio
import builtins
import time
from typing import Any

from ...interfaces import (
    ConfigurationError,
    ConnectionError,
    Message,
    OperationError,
    TimeoutError,
    ValidationError,
    current_message,
)
from .._check import check
from .._expect import equal
from .._harness import MessagingHarness
from ._inbox import Inbox, topic

__all__ = [
    "M9_back_off_doubles",
    "M9_back_off_ends_at_its_longest",
    "M9_cancelled_error_of_a_handler_is_no_attempt",
    "M9_error_is_an_attempt",
    "M9_handler_timeout_is_an_attempt",
    "M9_outage_is_no_attempt",
    "M9_outage_retry_bounds_the_wait",
    "M9_override_of_a_subscription_counts_for_it_alone",
    "M9_rejected_message_goes_to_the_dead_letters_at_once",
    "M9_timeout_that_is_not_retryable_is_an_attempt",
]


_QUICK = (0.01, 0.02)


async def _attempts_of(
    harness: MessagingHarness, errors: list[BaseException], **options: Any
) -> list[int]:
    """Return the attempts told to a handler that raises ``errors`` first, one a call."""
    name, inbox, attempts = topic("attempts"), Inbox(), []
    remaining = list(errors)

    async def handler(payload: Any) -> None:
        attempts.append(current_message().attempt)

        if remaining:
            raise remaining.pop(0)

        await inbox(payload)

    async with harness.make(group_id="g", backoff=_QUICK, **options) as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, Message("payload", key="k"))
        equal(await inbox.wait(1), ["payload"])

    return attempts


@check(feature="retries")
async def M9_error_is_an_attempt(harness: MessagingHarness) -> None:
    """Any other exception is repeated, and the attempt is counted."""
    errors: list[BaseException] = [ValueError("a"), OperationError("b")]
    equal(await _attempts_of(harness, errors), [1, 2, 3])


@check(feature="retries")
async def M9_timeout_that_is_not_retryable_is_an_attempt(harness: MessagingHarness) -> None:
    """A ``TimeoutError``, ours or the builtin, counts unless it is retryable."""
    errors: list[BaseException] = [builtins.TimeoutError("a"), TimeoutError("b")]
    equal(await _attempts_of(harness, errors), [1, 2, 3])


@check(feature="retries")
async def M9_outage_is_no_attempt(harness: MessagingHarness) -> None:
    """Connection and configuration errors and whatever is retryable are waited out."""
    errors: list[BaseException] = [
        builtins.ConnectionResetError("builtin"),
        ConnectionError("ours"),
        ConfigurationError("settings"),
        OperationError("retryable", retryable=True),
        TimeoutError("retryable", retryable=True),
    ]
    equal(await _attempts_of(harness, errors, attempts=1), [1] * 6)

    between: list[BaseException] = [ValueError("a"), ConnectionError("ours"), ValueError("b")]
    equal(await _attempts_of(harness, between), [1, 2, 2, 3])


@check(feature="retries")
async def M9_cancelled_error_of_a_handler_is_no_attempt(harness: MessagingHarness) -> None:
    """A handler that raises ``CancelledError`` itself is called again, nothing is counted."""
    errors: list[BaseException] = [asyncio.CancelledError(), asyncio.CancelledError()]
    equal(await _attempts_of(harness, errors, attempts=1), [1] * 3)


@check(feature="retries")
async def M9_handler_timeout_is_an_attempt(harness: MessagingHarness) -> None:
    """A call that outlives ``handler_timeout`` is cancelled and repeated."""
    name, inbox, cancelled = topic("slow"), Inbox(), []

    async def handler(payload: Any) -> None:
        if current_message().attempt == 1:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(payload)
                raise

        await inbox(payload)

    async with harness.make(group_id="g", backoff=_QUICK, handler_timeout=0.05) as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await inbox.wait(1)

    assert cancelled == [1], "the slow call was not cancelled"
    assert [info.attempt for info in inbox.infos] == [2], f"{inbox.infos}"


async def _waited(harness: MessagingHarness, longest: float) -> float:
    """Return the seconds that eleven repetitions take, with a back-off from 1 ms on."""
    name, inbox, moments = topic("waited"), Inbox(), list[float]()

    async def handler(payload: Any) -> None:
        moments.append(time.monotonic())

        if len(moments) < 12:
            raise ValueError("again")

        await inbox(payload)

    async with harness.make(group_id="g", backoff=(0.001, longest), attempts=12) as messaging:
        await messaging.subscribe(name, handler)
        await messaging.publish(name, 1)
        await inbox.wait(1)

    return moments[-1] - moments[0]


@check(feature="retries")
async def M9_back_off_doubles(harness: MessagingHarness) -> None:
    """Each repetition waits twice as long as the one before, less by half at most."""
    # 1 + 2 + 4 + … + 32 + 5 * 40 ms, half of it taken off; eleven times 1 ms without doubling.
    waited = await _waited(harness, 0.04)
    assert waited > 0.125, f"eleven repetitions waited {waited:.3f} s together"


@check(feature="retries")
async def M9_back_off_ends_at_its_longest(harness: MessagingHarness) -> None:
    """However often it doubles, no wait is longer than the second number of ``backoff=``."""
    # 1 + 10 * 2 ms; 1 + 2 + … + 1024 ms, less by half at most, without an end.
    waited = await _waited(harness, 0.002)
    assert waited < 1.0, f"eleven repetitions waited {waited:.3f} s together"


@check(feature="retries")
async def M9_override_of_a_subscription_counts_for_it_alone(harness: MessagingHarness) -> None:
    """``subscribe`` takes the options of the constructor for one handler."""
    name, dead = topic("override"), Inbox()

    def fail(_: Any) -> None:
        raise ValueError("always")

    once, twice = Inbox(fail), Inbox(fail)
    messaging: Any = harness.make(group_id="g", backoff=_QUICK, attempts=2)

    async with messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, once, attempts=1)
        await messaging.subscribe(name, twice)
        await messaging.publish(name, "bad")
        equal(await dead.wait(2), ["bad", "bad"])

    assert (once.calls, twice.calls) == (1, 2), f"calls: {once.calls} and {twice.calls}"


@check(feature="dead_letters")
async def M9_outage_retry_bounds_the_wait(harness: MessagingHarness) -> None:
    """After ``outage_retry`` seconds an outage counts like any other error."""
    name, dead = topic("bounded"), Inbox()

    def fail(_: Any) -> None:
        raise ConnectionError("down for good")

    options = {"backoff": _QUICK, "outage_retry": 0.05, "attempts": 1}

    async with harness.make(group_id="g", **options) as messaging:
        await messaging.subscribe(f"{name}.dlq", dead)
        await messaging.subscribe(name, Inbox(fail))
        await messaging.publish(name, "given up")
        equal(await dead.wait(1), ["given up"])


@check(feature="dead_letters")
async def M9_rejected_message_goes_to_the_dead_letters_at_once(harness: MessagingHarness) -> None:
    """A ``ValidationError``, or another class of ``reject_on``, is not repeated."""
    for error, options in (
        (ValidationError("bad"), {}),
        (KeyError("k"), {"reject_on": (KeyError,)}),
    ):
        name, dead = topic("rejected"), Inbox()

        def fail(_: Any, error: Exception = error) -> None:
            raise error

        inbox = Inbox(fail)

        async with harness.make(group_id="g", backoff=(600.0, 600.0), **options) as messaging:
            await messaging.subscribe(f"{name}.dlq", dead)
            await messaging.subscribe(name, inbox)
            await messaging.publish(name, "rejected")
            equal(await dead.wait(1), ["rejected"])

        assert inbox.calls == 1, f"the handler was called {inbox.calls} times"
