"""The injector reaches every suspension, and tells a kept cancellation from a lost one."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from infrastructure.testing.cancellation import PHASES, cancel_at, every_cancellation

mark: ContextVar[str] = ContextVar("mark", default="none")


async def sound() -> str:
    """Suspend three times, of two kinds."""
    await asyncio.sleep(0)
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "answer")
    answer: str = await future
    await asyncio.sleep(0)
    return answer


async def swallows() -> str:
    """Take a cancellation for an empty answer."""
    try:
        return await sound()
    except asyncio.CancelledError:
        return "nothing"


async def translates() -> None:
    """Make something else of a cancellation."""
    try:
        await sound()
    except asyncio.CancelledError as exc:
        raise LookupError from exc


async def loses_it_when_ready() -> Any:
    """Do what asyncio.wait_for does on Python 3.11: prefer the answer that is there."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, "answer")

    try:
        return await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled():
            return future.result()

        raise


async def test_each_suspension_is_reached_in_both_phases() -> None:
    """And the last outcome of a phase says that there are no more."""
    outcomes = await every_cancellation(sound)
    shown = [(one.phase, one.n, one.reached) for one in outcomes]
    assert shown == [(phase, n, n < 3) for phase in PHASES for n in range(4)]
    assert not [one for one in outcomes if one.swallowed or one.error]
    assert [one.result for one in outcomes if not one.reached] == ["answer", "answer"]


async def test_a_lost_cancellation_is_reported() -> None:
    """Swallowed, or made into another error."""
    for operation, kept in ((swallows, "nothing"), (translates, None)):
        reached = [one for one in await every_cancellation(operation) if one.reached]
        assert len(reached) == 6
        assert all(one.swallowed and one.result == kept for one in reached)
        assert all((type(one.error) is LookupError) is (kept is None) for one in reached)


async def test_one_that_is_lost_only_when_the_answer_is_there_is_reported() -> None:
    """That is what the second phase is for."""
    lost = [one for one in await every_cancellation(loses_it_when_ready) if one.swallowed]
    assert [(one.phase, one.n, one.result) for one in lost] == [("ready", 0, "answer")]


async def test_a_repeated_cancellation_comes_at_each_later_suspension_too() -> None:
    """Whatever an operation awaits to clean up is cancelled as well."""
    cancelled = []

    async def cleans_up() -> None:
        for step in range(4):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                cancelled.append(step)

        await asyncio.sleep(0)

    assert (await cancel_at(cleans_up, 1)).swallowed
    assert cancelled == [1]
    outcome = await cancel_at(cleans_up, 1, repeated=True)
    assert (outcome.reached, outcome.swallowed) == (True, False)
    assert cancelled == [1, 1, 2, 3]


async def test_the_operation_runs_in_the_callers_context() -> None:
    """A deadline around the call counts."""

    async def look() -> str:
        return mark.get()

    mark.set("caller's")
    assert (await cancel_at(look, 0)).result == "caller's"


async def test_what_comes_after_sees_each_outcome() -> None:
    """To look for what was left behind."""
    seen = []

    async def after(outcome: Any) -> None:
        seen.append(outcome)

    assert await every_cancellation(sound, after=after) == seen


async def test_an_endless_operation_is_given_up() -> None:
    """With an assertion, not in silence."""

    async def endless() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="still suspending at its 5th"):
        await every_cancellation(endless, limit=5)


async def test_cancelling_the_injector_ends_the_operation() -> None:
    """Its own cancellation is not lost either."""
    ended = asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    injector = asyncio.create_task(cancel_at(waits, 7))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    injector.cancel()

    with pytest.raises(asyncio.CancelledError):
        await injector

    await ended.wait()
