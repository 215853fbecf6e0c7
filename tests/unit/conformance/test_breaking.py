"""How a fault check sees that a call ended in time, and as it should."""

from __future__ import annotations

import asyncio
import gc

import pytest

from infrastructure.conformance._breaking import answers, ends, faults_of, of, until
from infrastructure.conformance._expect import beside, turns
from infrastructure.interfaces import ConnectionError

from ...faults._timing import within
from .samples import Plain


async def _seven() -> int:
    return 7


async def _lost() -> None:
    msg = "it is gone"
    raise ConnectionError(msg)


async def _foreign() -> None:
    msg = "a driver's own"
    raise OSError(msg)


async def test_a_result_and_an_error_of_ours_are_ends() -> None:
    """Each is given as it is."""
    assert await ends(_seven, 1.0, "seven") == 7
    assert await ends(of(beside(_seven())), 1.0, "seven") == 7
    error = await ends(_lost, 1.0, "a call")
    assert isinstance(error, ConnectionError)


async def test_a_drivers_error_is_none() -> None:
    """Nor is a cancellation that nobody asked for."""
    with pytest.raises(AssertionError, match="a call raised OSError: a driver's own; expected"):
        await ends(_foreign, 1.0, "a call")

    async def gives_itself_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(AssertionError, match=r"a call raised asyncio\.\S+\.CancelledError"):
        await ends(gives_itself_up, 1.0, "a call")


@pytest.mark.slow
async def test_a_call_that_takes_longer_fails() -> None:
    """By more than a quarter of a second; it is given up then."""
    hanging = beside(asyncio.Event().wait())

    # Not sooner, and how much later is up to the machine.
    told = r"a call had not ended after 0\.(2[5-9]|[34]\d) s, it had 0 s"

    with within(0.5), pytest.raises(AssertionError, match=told):
        await ends(of(hanging), 0.0, "a call")

    await asyncio.wait({hanging})
    assert hanging.cancelled()


async def test_who_is_cancelled_leaves_no_call_behind() -> None:
    """It is cancelled too, and nobody is told of an error that it ends with."""
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda *_: unhandled.append(1))
    begun, ended = asyncio.Event(), asyncio.Event()

    async def fails_when_it_is_cancelled() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()
            await _lost()

    waiting = beside(ends(fails_when_it_is_cancelled, 10.0, "a call"))
    await begun.wait()
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    await turns()
    gc.collect()
    assert ended.is_set()
    assert not unhandled


async def test_an_answer_is_no_error() -> None:
    """Not even one of ours."""
    assert await answers(_seven, "seven") == 7

    with pytest.raises(AssertionError, match="a call raised ConnectionError: it is gone"):
        await answers(_lost, "a call")


async def test_what_never_holds_fails() -> None:
    """With the words of the check."""
    looks: list[int] = []

    async def third() -> bool:
        looks.append(1)
        return len(looks) == 3

    await until(third, "the third look")

    async def never() -> bool:
        return False

    with pytest.raises(AssertionError, match=r"it was there: not within 0\.01 s"):
        await until(never, "it was there", within=0.01)


def test_a_harness_without_faults_is_not_asked() -> None:
    """A check that comes to it is a mistake of whoever runs it."""
    with pytest.raises(AssertionError, match="a harness without faults"):
        faults_of(Plain())
