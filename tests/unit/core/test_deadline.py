"""A limit ends its body in time, with our error, and loses no cancellation."""

from __future__ import annotations

import asyncio
import math

import pytest

from infrastructure._core.deadline import Limit, deadline
from infrastructure.interfaces import TimeoutError


async def test_a_body_in_time_is_left_alone() -> None:
    """With a limit and without one."""
    async with Limit("get", 5.0) as limit:
        assert 4 < limit.remaining <= 5

    async with Limit("get", None) as limit:
        assert limit.remaining == math.inf

    with pytest.raises(LookupError):
        async with Limit("get", 5.0):
            raise LookupError


async def test_a_limit_that_has_passed_runs_no_body() -> None:
    """The error says that nothing was done."""
    with deadline(1e-9), pytest.raises(TimeoutError, match="get: the deadline passed") as caught:
        async with Limit("get", 5.0):
            pytest.fail("the body ran")

    assert caught.value.outcome == "not_applied"
    assert caught.value.retryable is True


async def test_expiry_gives_the_outcome_that_the_body_noted() -> None:
    """What was sent before has an unknown outcome and is not called retryable."""
    limit = Limit("set", 0.01)

    async def sends() -> None:
        async with limit:
            limit.outcome = "unknown"
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError) as caught:
        await sends()

    assert caught.value.outcome == "unknown"
    assert caught.value.retryable is False
    assert caught.value.operation == "set"
    assert limit.remaining == 0


async def test_the_operation_of_the_error_is_the_method() -> None:
    """What it was called with is in the text."""
    with pytest.raises(TimeoutError) as caught:
        async with Limit("execute 'SELECT 1'", 0):
            pass

    assert caught.value.operation == "execute"
    assert str(caught.value) == "execute 'SELECT 1': the deadline passed"


async def test_a_cancellation_from_outside_passes() -> None:
    """It is not taken for the limit's own."""

    async def body() -> None:
        async with Limit("get", 5.0):
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_open_block_counts_before_the_default() -> None:
    """Earlier or later; deadline(None) lifts it."""
    with deadline(60):
        async with Limit("get", 0.001) as limit:
            assert limit.remaining > 50

    with deadline(None):
        async with Limit("get", 0.001) as limit:
            assert limit.remaining == math.inf
