"""Who waits for whom: lets calls from inside a handler wait for handlers without a deadlock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..interfaces._context import message_infos
from ._calls import Call

if TYPE_CHECKING:
    from .._core.clock import Clock

__all__ = ["Watch", "calling", "waiting"]


def calling() -> Call | None:
    """Return the handler call that the caller belongs to, as one of its child tasks perhaps."""
    infos = message_infos.get()
    return infos if isinstance(infos, Call) else None


class Watch:
    """Tells those who wait for handlers whenever a call ended, or itself began to wait.

    ``futures``  one for each waiter; looked at after every call, hence public.
    """

    __slots__ = ("_clock", "_waiting", "futures")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: Counter[Call] = Counter()
        self.futures: list[asyncio.Future[None]] = []

    def notify(self) -> None:
        """Let every waiter look again."""
        futures, self.futures = self.futures, []

        for future in futures:
            if not future.done():
                future.set_result(None)

    def is_waiting(self, call: Call) -> bool:
        """Return whether ``call`` waits in one of the methods that wait for handlers."""
        return call in self._waiting

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait until ``condition()`` holds, ``within`` seconds at most; return whether it does."""
        if condition():
            return True

        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self.notify()

        timer = self._clock.call_later(within, expire)

        try:
            while not (condition() or expired):
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self.futures.append(future)
                await future
        finally:
            timer.cancel()

        return condition()

    def _begin(self, call: Call) -> None:
        self._waiting[call] += 1
        self.notify()

    def _end(self, call: Call) -> None:
        self._waiting[call] -= 1

        if not self._waiting[call]:
            del self._waiting[call]


@contextmanager
def waiting() -> Iterator[Call | None]:
    """Mark the handler call around the caller, if any, as one that nobody need wait for."""
    call = calling()

    if call is None:
        yield None
        return

    # The call's own watch: it may be a handler of another instance than the one it waits for.
    watch = call.watch
    watch._begin(call)

    try:
        yield call
    finally:
        watch._end(call)
