"""What a call inherits from its task, and how a task starts without it."""

from __future__ import annotations

import asyncio
import math
import time
from contextvars import ContextVar

import pytest

from infrastructure.interfaces import TimeoutError, ValidationError, deadline
from infrastructure.interfaces._context import (
    check_seconds,
    expiry,
    factory_context,
    refuse_when_expired,
    start_task,
    transactions,
)

mark: ContextVar[str] = ContextVar("mark", default="none")


def test_the_earliest_instant_rules() -> None:
    """Whatever stands inside; outside, the call's own default counts."""
    assert expiry(None) == math.inf
    assert 4 < expiry(5) - time.monotonic() <= 5

    with deadline(10):
        outer = expiry(1)
        assert 9 < outer - time.monotonic() <= 10

        for inner in (20, None):
            with deadline(inner):
                assert expiry(1) == outer

        with deadline(5):
            assert expiry(1) < outer

        assert expiry(1) == outer

    with deadline(None):
        assert expiry(1) == math.inf

        with deadline(5):
            assert expiry(1) < math.inf

    assert expiry(None) == math.inf


def test_leaving_a_block_that_was_not_entered_does_nothing() -> None:
    """As an exit stack may do after a failed entry."""
    block = deadline(5)
    block.__exit__(None, None, None)
    assert expiry(None) == math.inf


def test_a_block_is_entered_once_at_a_time() -> None:
    """Shared by two tasks, one would reset the other's and leave its own open for ever."""
    block = deadline(5)

    with block, pytest.raises(RuntimeError, match="deadline\\(seconds\\)"), block:
        pass

    assert expiry(None) == math.inf

    with block:
        assert expiry(None) < math.inf


def test_a_passed_deadline_refuses() -> None:
    """By the name of the operation; an open one lets pass."""
    refuse_when_expired("get")

    with deadline(60):
        refuse_when_expired("get")

    with deadline(1e-9), pytest.raises(TimeoutError, match="get: the deadline around") as caught:
        refuse_when_expired("get")

    assert caught.value.outcome == "not_applied"
    assert caught.value.operation == "get"


def test_seconds_are_a_positive_finite_number() -> None:
    """Of the exact types int and float."""
    assert check_seconds("x", 5) == 5.0
    assert type(check_seconds("x", 5)) is float

    for bad in (0, -1, True, "5", None, math.inf, math.nan):
        with pytest.raises(ValidationError, match="x takes a positive number of seconds"):
            check_seconds("x", bad)

    with pytest.raises(ValidationError):
        deadline(-1)


def test_a_factory_sees_its_caller_but_not_its_limits() -> None:
    """The user's variables stay; deadline and transactions do not."""
    token = transactions.set({"storage": "scope"})
    mark.set("caller's")

    with deadline(5):
        context = factory_context()
        assert expiry(None) < math.inf

    assert context.run(expiry, None) == math.inf
    assert context.run(transactions.get) == {}
    assert context[mark] == "caller's"
    assert transactions.get() == {"storage": "scope"}
    transactions.reset(token)


async def test_a_task_starts_without_inheritance() -> None:
    """Unless it is given a context; it is held until it ends."""

    async def look() -> tuple[str, float]:
        return mark.get(), expiry(None)

    mark.set("starter's")

    with deadline(5):
        assert await start_task(look(), name="look") == ("none", math.inf)
        task = start_task(look(), name="look", context=factory_context())

    assert await task == ("starter's", math.inf)
    assert task.get_name() == "look"
    await asyncio.sleep(0)
