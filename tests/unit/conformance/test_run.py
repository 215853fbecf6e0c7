"""What the runner makes of a check that holds, fails, hangs, or leaves something behind."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from infrastructure.conformance import caching, run_check
from infrastructure.interfaces import CachingInterface, IntegrityError

from . import samples
from .samples import Noted, Plain, as_check


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for what will not end."""
    monkeypatch.setattr("infrastructure.conformance._run._GRACE", 0.01)


def test_a_check_that_holds_passes() -> None:
    """In a loop of its own; it took some time."""
    result = run_check(as_check(samples.holds), Plain)
    assert (result.status, result.reason, result.where, result.error) == ("passed", "", "", None)
    assert result.seconds > 0


def test_the_words_of_a_failure_are_the_reason() -> None:
    """An assertion's text as it is, another error with its class."""
    assert run_check(as_check(samples.fails), Plain).reason == "two is not one"
    assert run_check(as_check(samples.errs), Plain).reason == "LookupError"
    result = run_check(as_check(samples.logs), Plain)
    assert result.reason == "LookupError: no room"
    assert result.logged == ("WARNING theirs: the disk is full",)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.IntegrityError("twice"), "sqlite3.IntegrityError: twice"),
        (IntegrityError("twice"), "IntegrityError: twice"),
        (TimeoutError("late"), "builtins.TimeoutError: late"),
        (KeyError("k"), "KeyError: 'k'"),
    ],
)
def test_a_drivers_error_is_told_from_ours(error: Exception, words: str) -> None:
    """Two classes of one name are not confused."""

    async def raising(_: Any) -> None:
        raise error

    assert run_check(as_check(raising), Plain).reason == words


class Deaf(CachingInterface):
    """Keeps nothing."""

    async def connect(self) -> None: ...
    async def disconnect(self) -> None: ...
    async def get(self, key: str) -> Any: ...
    async def set(self, key: str, value: Any, ttl: int | None = None) -> None: ...
    async def delete(self, key: str) -> bool:
        return False

    async def exists(self, key: str) -> bool:
        return False

    async def ttl(self, key: str) -> int | None: ...
    async def scan_keys(self, pattern: str) -> list[str]:
        return []


class DeafHarness(Plain):
    """Makes deaf caches."""

    def make(self, **options: Any) -> Any:
        return Deaf()


def test_the_place_is_the_line_of_the_check() -> None:
    """Not that of the helper which raises."""
    (check,) = [one for one in caching.CHECKS if one.name == "C3_a_stored_none_exists"]
    result = run_check(check, DeafHarness)
    assert result.where.startswith("conformance/caching/values.py:")


def test_an_assertion_without_words_shows_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its source is the reason, where it stands in a check; else that there is no word."""

    async def bare(_: Any) -> None:
        raise AssertionError

    assert run_check(as_check(bare), Plain).reason == "an assertion failed without a word"
    monkeypatch.setattr("infrastructure.conformance._run._HERE", Path(__file__).parent)
    assert run_check(as_check(bare), Plain).reason == "this does not hold: raise AssertionError"


def test_a_check_that_hangs_fails_at_its_limit() -> None:
    """And says so; what it waited for is in the traceback."""
    result = run_check(as_check(samples.hangs), Plain, limit=0.01)
    assert result.reason == "it did not end within 0.01 s"
    assert result.error is not None
    assert result.error.__traceback__ is not None


@pytest.mark.usefixtures("impatient")
def test_a_check_that_cannot_be_stopped_is_left_behind() -> None:
    """The runner ends all the same."""
    result = run_check(as_check(samples.falls_silent), Plain, limit=0.01)
    assert result.reason == "it did not end within 0.01 s"


def test_an_error_that_nobody_handled_fails_the_check() -> None:
    """Of a callback, as the loop reports it."""

    async def careless(_: Any) -> None:
        asyncio.get_running_loop().call_soon([].pop)
        await asyncio.sleep(0)

    result = run_check(as_check(careless), Plain)
    assert result.status == "failed"
    assert result.reason.startswith("nobody handled an error: Exception in callback")
    assert "IndexError: pop from empty list" in result.reason


def test_a_complaint_without_an_error_fails_it_too() -> None:
    """What the loop's handler is told is enough."""

    async def complaining(_: Any) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "something is wrong"})

    assert run_check(as_check(complaining), Plain).reason == (
        "nobody handled an error: something is wrong"
    )


def test_what_a_check_left_running_is_cancelled() -> None:
    """Also the generators."""
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def leaving(_: Any) -> None:
        leaving.task = asyncio.create_task(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(0)

    assert run_check(as_check(leaving), Plain).status == "passed"
    assert ended == ["task"]


def test_the_harness_is_closed_after_a_failure() -> None:
    """Once, and opened before."""
    samples.made.clear()
    run_check(as_check(samples.fails), Noted)
    assert [harness.calls for harness in samples.made] == [["open", "close"]]


def test_an_interrupt_in_a_check_is_handed_on() -> None:
    """When the check has ended by it already, and its harness is closed."""

    async def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    samples.made.clear()

    with pytest.raises(KeyboardInterrupt):
        run_check(as_check(interrupted), Noted)

    assert [harness.calls for harness in samples.made] == [["open", "close"]]


@pytest.mark.usefixtures("_interruptible")
def test_an_interrupt_that_wakes_nobody_is_heeded() -> None:
    """Such as one that comes just before the loop sleeps: here, one that another thread gets."""

    async def waits(_: Any) -> None:
        threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
        await asyncio.Event().wait()

    began = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        run_check(as_check(waits), Plain, limit=20)

    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("step", ["open", "close"])
def test_an_interrupt_lets_the_harness_finish(step: str) -> None:
    """What it made is removed: a check is not begun any more, or has ended already."""
    done: list[str] = []

    class Slow(Plain):
        async def open(self) -> None:
            await self._pass("open")

        async def close(self) -> None:
            await self._pass("close")

        async def _pass(self, here: str) -> None:
            if here == step:
                await _interrupted()

            done.append(here)

    async def check(_: Any) -> None:
        done.append("check")

    with pytest.raises(KeyboardInterrupt):
        run_check(as_check(check), Slow)

    assert done == (["open", "close"] if step == "open" else ["open", "check", "close"])


async def _interrupted() -> None:
    """Return when the loop has been interrupted while this waits, and runs again."""
    loop, again = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        signal.raise_signal(signal.SIGINT)
        loop.call_soon_threadsafe(again.set)

    # By the loop: this is not to be what the interrupt hits.
    loop.call_soon(threading.Timer(0.1, interrupt).start)
    await again.wait()


def test_a_harness_that_cannot_be_made_fails_the_check() -> None:
    """It is no error of the runner."""

    def impossible() -> Plain:
        raise LookupError("no server")

    assert run_check(as_check(samples.holds), impossible).reason == "LookupError: no server"
