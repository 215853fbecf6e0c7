"""Runs one handler: at most so many calls at a time, one for each key, repeated when they fail."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from random import random
from typing import Any, Generic, TypeVar

from .._core.secrets import scrub
from .._core.tasks import Tasks, logger
from ..interfaces._context import message_infos
from ._attempts import Trouble, Verdict, explain, judge, pause
from ._calls import Call
from ._dead_letters import DeadLetters
from ._options import DeliveryOptions
from ._parking import Parking
from ._queues import Queue
from ._runner import Runner
from ._watch import Watch
from ._window import Window

__all__ = ["Lanes"]

C = TypeVar("C", bound=Call)

# A runner whose handler never waits lets the loop turn after so many seconds, and looks
# at the time after so many messages.
_TURN = 0.002
_LOOK = 0b111

_QUIET = 30.0
"""Seconds for which an outage that was logged is not logged again, whichever message it keeps."""


class Lanes(Generic[C]):
    """The calls of one handler on one topic."""

    def __init__(
        self,
        name: str,
        handler: Callable[[Any], Awaitable[None]],
        options: DeliveryOptions,
        *,
        payload: Callable[[C], Any],
        queue: Callable[[Callable[[], None]], Queue[C]],
        tasks: Tasks,
        watch: Watch,
        dead_letters: DeadLetters,
        jitter: Callable[[], float] = random,
    ) -> None:
        self.name = name
        self.options = options
        self.serial: bool = options.order == "partition"
        self.queue: Queue[C] = queue(self.wake)
        self._handler = handler
        self._payload = payload
        self._tasks = tasks
        self._watch = watch
        self._dead_letters = dead_letters
        self._jitter = jitter
        self._runners: set[Runner[C]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._parking = Parking[C](options.clock, self._resume)
        self._spreading = False
        self._closed = False
        self._quiet_until = 0.0

    def running(self) -> Iterator[Call]:
        """Return the calls that run now."""
        return (runner.call for runner in self._runners if runner.call is not None)

    def wake(self) -> None:
        """Have what is ready handled: by one runner, by more of them if it waits for something."""
        if self._spreading or self._closed or not len(self.queue):
            return

        self._spreading = True
        self._wake_one()
        asyncio.get_running_loop().call_soon(self._spread, context=Context())

    def _spread(self) -> None:
        self._spreading = False

        for _ in range(min(len(self.queue), self.options.lanes)):
            if self._closed or not self._wake_one():
                break

    def _wake_one(self) -> bool:
        while self._idle:
            future = self._idle.pop()

            if not future.done():
                future.set_result(None)
                return True

        if len(self._runners) >= self.options.lanes:
            return False

        runner: Runner[C] = Runner()
        self._runners.add(runner)
        runner.task = self._tasks.start(self._run(runner), f"handler {self.name}")
        return True

    async def _run(self, runner: Runner[C]) -> None:
        try:
            while await self._work(runner):
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(future)
                await future
        finally:
            self._ended(runner)

    async def _work(self, runner: Runner[C]) -> bool:
        """Handle what is ready; return whether this task may go on after it."""
        take, release = self.queue.take, self.queue.release
        payload, handler = self._payload, self._handler
        watch, monotonic = self._watch, self.options.clock.monotonic
        begin, copy_context = message_infos.set, contextvars.copy_context
        turn_ends, calls = monotonic() + _TURN, 0

        while not runner.stopped and (call := take()) is not None:
            runner.call = call
            begin(call)

            if call.trouble is not None and call.trouble.doom is not None:
                await self._bury(call)
            else:
                try:
                    await handler(payload(call))
                except Exception as exc:  # noqa: BLE001 - judged by class, see _attempts
                    await self._failed(runner, call, exc)
                else:
                    call.finish()
                    release(call)

            runner.call = None

            if watch.futures:
                watch.notify()

            # Of the variables only the current message is ours. A handler that left another
            # one here, an open transaction say, must not pass it on to the next message: the
            # task ends, and what belongs to it with it.
            if len(copy_context()) != 1:
                return False

            calls += 1

            if not calls & _LOOK and monotonic() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = monotonic() + _TURN

        return not runner.stopped

    def _ended(self, runner: Runner[C]) -> None:
        self._runners.discard(runner)
        call, runner.call = runner.call, None

        if call is not None and not runner.stopped:
            # The handler itself raised CancelledError, or something is wrong with us: neither
            # counts as an attempt. The timer wakes another runner.
            trouble = self._trouble(call)
            trouble.outages += 1
            self._park(call, trouble)
        elif call is not None:
            self.queue.put_back(call)

        self._watch.notify()

        # Not when the whole loop is being cancelled: whatever was started then would never end.
        if runner.stopped or not (runner.task and runner.task.cancelling()):
            self.wake()

    def _trouble(self, call: C) -> Trouble:
        if call.trouble is None:
            call.trouble = Trouble()

        return call.trouble

    async def _failed(self, runner: Runner[C], call: C, exc: Exception) -> None:
        if runner.stopped:
            # What the handler made of our cancellation is no attempt.
            self.queue.put_back(call)
            return

        options, trouble = self.options, self._trouble(call)
        trouble.first_failed = trouble.first_failed or options.clock.now()
        messages = len(call.deliveries)
        verdict = judge(trouble, exc, options, options.clock.monotonic(), messages=messages)

        if verdict is Verdict.BURY:
            trouble.doom = exc
            explain(exc, self.name)
            await self._bury(call)
        elif verdict is Verdict.SPLIT:
            self.queue.put_back(call, alone=True)
        else:
            self._tell(verdict, exc)
            self._park(call, trouble)

    def _tell(self, verdict: Verdict, exc: Exception) -> None:
        now, kind = self.options.clock.monotonic(), type(exc).__name__
        logger.debug("handler %s: %s (%s)", self.name, verdict.value, kind)

        # It may last for ever: somebody must be able to see why nothing is handled.
        if verdict is Verdict.WAIT and now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            logger.warning(
                "handler %s: an outage, its messages wait and are tried again (%s: %s)",
                self.name,
                kind,
                scrub(str(exc)),
            )

    async def _bury(self, call: C) -> None:
        delivery, trouble = call.deliveries[0], self._trouble(call)

        try:
            stored = await self._dead_letters.bury(
                delivery, trouble, handler=self.name, options=self.options
            )
        except Exception:  # noqa: BLE001 - failing to store it is an outage, whatever it was
            logger.warning(
                "the dead letter of %r could not be stored; it is tried again",
                delivery.record,
                exc_info=True,
            )
            trouble.outages += 1
            self._park(call, trouble)
            return

        if stored:
            call.finish()

        self.queue.release(call)

    def _park(self, call: C, trouble: Trouble) -> None:
        self._parking.park(call, pause(trouble, self.options, self._jitter()))

    def _resume(self, call: C) -> None:
        self.queue.resume(call)
        self.wake()

    def unpark(self) -> None:
        """Free the keys that repetitions of shut windows hold."""
        self._parking.resume_at_once(_is_shut)

    def stop(self, windows: list[Window]) -> None:
        """Cancel the calls with messages of ``windows``, but those that wait for us."""
        for runner in list(self._runners):
            call = runner.call

            if call is None or self._watch.is_waiting(call):
                continue

            if any(delivery.window in windows for delivery in call.deliveries):
                runner.stop()

    def close(self) -> None:
        """Cancel every call and every repetition."""
        self._closed = True
        self.queue.close()
        self._parking.close()

        for runner in list(self._runners):
            runner.stop()


def _is_shut(call: Call) -> bool:
    return not all(delivery.window.open for delivery in call.deliveries)
