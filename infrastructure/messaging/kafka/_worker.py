"""A thread for calls of the driver that block, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from ...interfaces.exceptions import ConnectionError

__all__ = ["Worker", "fail", "give", "post"]

T = TypeVar("T")


class Worker:
    """A daemon thread of our own: the default executor is everybody's, and joined at exit."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ended = False
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def call(self, function: Callable[[], T]) -> T:
        """Return ``function()`` of the thread; it is left out where nobody waits any more before."""
        if self._ended:
            msg = f"{self._name}: closed by disconnect() meanwhile"
            raise ConnectionError(msg, outcome="not_applied")

        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            # Else what was asked in an outage is asked of the brokers when they are back.
            if answer.cancelled():
                return

            try:
                result = function()
            except Exception as exc:  # noqa: BLE001 - whatever it is, it is the caller's
                post(loop, fail, answer, exc)
            else:
                post(loop, give, answer, result)

        self._calls.put(run)
        return await answer

    def end_thread(self, last: Callable[[], object] | None = None) -> None:
        """End the thread behind the calls that were asked for, and behind ``last``."""
        self._ended = True

        if last is not None:
            self._calls.put(last)

        self._calls.put(None)

    def join(self, within: float) -> None:
        """Wait for the end of the thread, for at most so many seconds; blocks."""
        self._thread.join(within)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def post(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *args: Any) -> bool:
    """Have ``callback`` called on ``loop`` from another thread; ``False``: that loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        return False

    return True


def give(answer: asyncio.Future[T], result: T) -> None:
    """Set the result of a future that somebody may have given up."""
    if not answer.done():
        answer.set_result(result)


def fail(answer: asyncio.Future[Any], error: Exception) -> None:
    """Set the error of a future that somebody may have given up."""
    if not answer.done():
        answer.set_exception(error)
