"""The connect and disconnect of every backend: one state machine, one owner loop and process."""

from __future__ import annotations

import asyncio
import builtins
import os
import weakref
from abc import ABC, abstractmethod
from contextlib import suppress
from threading import get_ident
from typing import ClassVar, NoReturn, Optional

from ..interfaces.exceptions import ConfigurationError, ConnectionError
from .deadline import Limit, check_seconds, open_instant, refuse_when_expired
from .tasks import logger, start_task

__all__ = ["Lifecycle"]

# Those that are connected: a forked child learns that they are not its own.
_connected: weakref.WeakSet[Lifecycle] = weakref.WeakSet()


class Lifecycle(ABC):
    """Gives a backend ``connect`` and ``disconnect``; the backend says how to open and close.

    ``_open`` makes everything; ``_close`` ends it gracefully, within ``_close_within``
    seconds; ``_abort`` lets go of everything at once, from any state; ``_abandon`` forgets
    what belongs to a parent process or a closed loop, without touching it.
    """

    _close_within: float = 1.0
    # What to look at when nobody answers, as the end of an error's text.
    _advice: str = ""
    _default_deadline: ClassVar[Optional[float]] = None

    def __init__(self, *, deadline: Optional[float] = None) -> None:
        if deadline is not None:
            deadline = check_seconds("deadline=", deadline)

        self._deadline = self._default_deadline if deadline is None else deadline
        self._live: Optional[asyncio.AbstractEventLoop] = None
        self._owner: Optional[asyncio.AbstractEventLoop] = None
        self._pid = 0
        # The thread whose running loop may use it, 0 while it is not connected.
        self._thread = 0
        self._is_running = _never
        self._was_connected = False
        self._opening: Optional[asyncio.Task[None]] = None
        self._closing: Optional[asyncio.Task[None]] = None
        self._waiting = 0
        # Somebody was told that it is connected, and will disconnect it.
        self._taken = False

    @abstractmethod
    async def _open(self) -> None:
        """Make the connection; on an error or a cancellation ``_abort`` is called after it."""

    @abstractmethod
    async def _close(self) -> None:
        """Finish what is in flight and close; may be cancelled, ``_abort`` is called after it."""

    @abstractmethod
    def _abort(self) -> None:
        """Fail what is in flight and let go of everything, at once and without an error."""

    def _abandon(self) -> None:
        """Forget what another process or a closed loop owns; by default as ``_abort``."""
        self._abort()

    def _describe(self) -> str:
        """Return what identifies the backend, without secrets, for texts and ``repr``."""
        return type(self).__name__

    def __repr__(self) -> str:
        state = "connected" if self._live else "connecting" if self._opening else "closed"
        return f"<{self._describe()} {state}>"

    def _check(self, operation: str) -> None:
        """Raise unless ``operation`` may run here and now."""
        # As _check_owner, written out: every call of every backend passes here.
        if self._thread != get_ident() or not self._is_running():
            self._refuse(operation)

        if open_instant() is not None:
            refuse_when_expired(operation)

    def _check_owner(self, operation: str) -> None:
        """Raise unless connected here; a ``deadline`` block that is over does not stop it."""
        # Where a thread runs, its loop does, and one only. Not get_running_loop: until Python
        # 3.12 it asks the system for the process, which costs more than all the rest.
        if self._thread != get_ident() or not self._is_running():
            self._refuse(operation)

    def _settle(self, loop: Optional[asyncio.AbstractEventLoop]) -> None:
        """Belong to the running ``loop`` from now on, or to none."""
        self._live = loop
        self._thread = 0 if loop is None else get_ident()
        self._is_running = _never if loop is None else loop.is_running
        (_connected.discard if loop is None else _connected.add)(self)

    def _refuse(self, operation: str) -> NoReturn:
        if self._live is not None:
            forked = self._pid != os.getpid()
            where = "process" if forked else "event loop"
            # While the other loop is open, connect() would be refused too.
            again = ", or call connect() again here" if forked or self._live.is_closed() else ""
            msg = (
                f"{operation}: {self._describe()} was connected in another {where}; "
                f"make one instance for each {where}{again}"
            )
            raise ConfigurationError(msg, operation=operation)

        how = "was closed by disconnect()" if self._was_connected else "is not connected"
        msg = f"{operation}: {self._describe()} {how}; call connect() first"
        raise ConnectionError(msg, outcome="not_applied", operation=operation)

    def _adopt(self, operation: str) -> None:
        """Let go of a dead owner; refuse when the owner is another loop that lives."""
        owner = self._owner

        if owner is None or (owner is asyncio.get_running_loop() and self._pid == os.getpid()):
            return

        if self._pid == os.getpid() and not owner.is_closed():
            msg = (
                f"{operation}: {self._describe()} belongs to another event loop that is still "
                "open; make one instance for each loop"
            )
            raise ConfigurationError(msg, operation=operation)

        self._abandon()
        self._settle(None)
        self._owner = self._opening = self._closing = None
        self._waiting = 0

    async def connect(self) -> None:
        """Connect; idempotent, all or nothing, concurrent calls share one attempt."""
        self._adopt("connect")

        async with Limit("connect", self._deadline) as limit:
            # What is ending, a connect that all its callers gave up too, is waited for, not joined.
            while ending := self._ending():
                await asyncio.wait({ending})

            if self._live is not None:
                self._taken = True
                return

            if self._opening is None:
                self._taken = False
                self._owner, self._pid = asyncio.get_running_loop(), os.getpid()
                limit.outcome = "not_applied"
                self._opening = start_task(self._open(), name=f"connect {self._describe()}")
                self._opening.add_done_callback(self._opened)

            limit.more = f" before {self._describe()} answered{self._advice}"
            await self._share(self._opening)

    def _ending(self) -> asyncio.Task[None] | None:
        opening = self._opening
        return opening if opening is not None and opening.cancelling() else self._closing

    async def _share(self, opening: asyncio.Task[None]) -> None:
        self._waiting += 1

        try:
            # Not awaited itself: the cancellation of one caller must not reach the others.
            await asyncio.wait({opening})
        except asyncio.CancelledError:
            self._waiting -= 1
            self._give_up(opening)
            raise

        self._waiting -= 1

        if opening.cancelled():
            msg = f"connect: disconnect() was called while {self._describe()} was connecting"
            raise ConnectionError(msg, outcome="not_applied", operation="connect")

        opening.result()
        self._taken = True

    def _give_up(self, opening: asyncio.Task[None]) -> None:
        """Let go of an attempt that all who waited for it gave up, also of one that succeeded.

        Of a connection that came together with the cancellation nobody knows: an ``async
        with`` that was cancelled as it began has no exit.
        """
        if self._waiting or self._taken:
            return

        opening.cancel()
        self._force()

    def _force(self) -> None:
        if self._live is not None:
            self._settle(None)
            self._abort()
            self._owner = None

    def _opened(self, opening: asyncio.Task[None]) -> None:
        # A callback, not the end of a coroutine: a task cancelled before its first step runs none.
        self._opening = None

        if opening.cancelled() or opening.exception() is not None or not self._waiting:
            self._abort()
            self._owner = None
        else:
            self._settle(self._owner)
            self._was_connected = True

    async def disconnect(self) -> None:
        """Disconnect; idempotent, never hangs; cancelling it forces it."""
        self._adopt("disconnect")

        if (opening := self._opening) is not None:
            opening.cancel()

            try:
                await asyncio.wait({opening})
            except asyncio.CancelledError:
                # Behind ``_opened``: it may have succeeded a moment before.
                opening.add_done_callback(lambda _: self._force())
                raise

        if self._live is not None:
            self._settle(None)
            self._closing = start_task(self._stop(), name=f"disconnect {self._describe()}")
            self._closing.add_done_callback(self._closed)

        if (closing := self._closing) is None:
            return

        try:
            await asyncio.wait({closing})
        except asyncio.CancelledError:
            closing.cancel()
            raise

    def _closed(self, _closing: asyncio.Task[None]) -> None:
        self._abort()
        self._closing = self._owner = None

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(self._close_within):
                await self._close()
        except builtins.TimeoutError:
            logger.warning(
                "%s did not close within %g s and was forced", self._describe(), self._close_within
            )
        except Exception:  # noqa: BLE001 - whatever a driver raises, it is closed all the same
            logger.exception("%s did not close cleanly", self._describe())


def _never() -> bool:
    """Return what ``is_running`` of no loop says."""
    return False


def _disown() -> None:
    for backend in _connected:
        backend._thread = 0


# There is no fork on Windows.
with suppress(AttributeError):
    os.register_at_fork(after_in_child=_disown)
