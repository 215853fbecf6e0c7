"""Keeps one link to one server: made when it is wanted, made again at once when it is lost."""

from __future__ import annotations

import asyncio
import copy
import math
import random
from contextlib import suppress
from time import monotonic
from typing import Any, NoReturn, Protocol

from ..._core.tasks import start_task
from ...interfaces.exceptions import ConnectionError, InfrastructureError
from ._dial import Dialer, Ears, Peer, show
from ._link import CLOSED, ClosedLink, Link
from ._signals import Lost, NotSent
from ._tcp import is_cut_off

__all__ = ["BRIDGE", "Line", "Listener"]

BRIDGE = 2.0
"""Seconds after a loss for which calls wait for the server to be back: a restart, not an outage."""

_SPACING = 0.5
"""Seconds after which another attempt is made beside one that gets no answer."""

_ATTEMPT = 3.0
"""Seconds that one attempt may take."""

_FROZEN = 6.0
"""Seconds of silence for which a server whose machine acknowledges counts as busy or stopped."""

_DAMAGED = 3.0
"""Seconds for which one may speak without answering; then the stream is taken for damaged."""

_HEARD_OUT = 0.25
"""Seconds that a server which is no primary any more has to refuse what it was sent before."""

_PACE = 0.02
"""Seconds between two attempts, whoever calls; the first step of the back-off."""

_SLOWEST = 0.25
"""Seconds, the last step of the back-off."""


class Listener(Protocol):
    """Hears what happens on the lines."""

    def pushed(self, frame: list[Any], /) -> None:
        """Hear what a server says by itself."""
        ...

    def lost(self) -> None:
        """Hear that a link broke or was let go, and its reports with it."""
        ...

    def silent(self) -> None:
        """Hear that a link owes an answer."""
        ...


class Line:
    """The link to ``address``, and how it is had again.

    ``link`` is the open one, or ``CLOSED``. Calls that need one share its making. Within
    ``bridge`` seconds of a loss they try again, with a back-off; later, and where there never
    was a link, the first refusal is theirs.
    """

    def __init__(
        self, address: Peer, dialer: Dialer, listener: Listener, bridge: float = BRIDGE
    ) -> None:
        self.address = address
        self.link: Link | ClosedLink = CLOSED
        self.made = 0
        """How many links it has had."""
        self._dialer = dialer
        self._ears = Ears(lost=self._lost, silent=self._silent, push=listener.pushed)
        self._listener = listener
        self._bridge = bridge
        self._bridged_until = 0.0
        self._attempts: set[asyncio.Task[Link]] = set()
        self._begun = self._failed = self._again = 0.0
        self._failures = 0
        self._error: InfrastructureError | None = None
        self._closed = False
        # The link of a server that was left, while it may still refuse what it was sent.
        self._left: Link | None = None

    @property
    def name(self) -> str:
        """The address as people write it."""
        return show(self.address)

    @property
    def is_open(self) -> bool:
        """Whether there is a link."""
        return isinstance(self.link, Link)

    @property
    def is_busy(self) -> bool:
        """Whether its link owes answers."""
        return isinstance(self.link, Link) and bool(self.link.waiting)

    @property
    def is_left(self) -> bool:
        """Whether its link was left, and is not closed yet."""
        return self._left is not None and self._left.error is None

    async def drained(self) -> None:
        """Return when all that was sent until now is answered, or lost with its link."""
        link = self.link

        while isinstance(link, Link) and link.waiting and link.error is None:
            # Not let go where there is none: what follows is to come after what was sent.
            await link.room()

            with suppress(Lost, NotSent):
                await link.send(("PING",), math.inf)
                return

    async def ready(self) -> Link:
        """Return the open link; make one where there is none."""
        while not isinstance(self.link, Link):
            await self._progress()

        return self.link

    async def _progress(self) -> None:
        """Take one step towards a link, or raise what makes further ones useless."""
        if self._closed:
            raise NotSent

        now = monotonic()

        if not self._attempts and now < self._failed + _PACE:
            await asyncio.sleep(self._failed + _PACE - now)
            return

        if not self._attempts or now - self._begun >= _SPACING:
            self._attempt()

        failures = self._failures
        await asyncio.wait(
            self._attempts,
            timeout=max(0.0, self._begun + _SPACING - now),
            return_when=asyncio.FIRST_COMPLETED,
        )

        if self._failures == failures or isinstance(self.link, Link) or self._attempts:
            return

        if not self._is_worth_waiting:
            self._raise()

        # All who wait go on at the same instant: each by a pause of its own, the shortest of
        # many would count.
        await asyncio.sleep(self._again - monotonic())

    @property
    def _is_worth_waiting(self) -> bool:
        retryable = self._error is None or self._error.retryable
        return retryable and monotonic() < self._bridged_until

    def _pause(self) -> float:
        """Return the seconds until the next attempt: longer each time, never the same for all."""
        longest = min(_SLOWEST, _PACE * 2 ** min(self._failures, 10))
        return random.uniform(_PACE, longest)  # noqa: S311 - no secret

    def _raise(self) -> NoReturn:
        error = self._error
        assert error is not None
        # A copy for each caller: one object raised by many would collect all their tracebacks.
        raise copy.copy(error) from error.__cause__

    def _attempt(self) -> None:
        self._begun = monotonic()
        task = start_task(self._dial(), name=f"connect to {show(self.address)}")
        self._attempts.add(task)
        task.add_done_callback(self._attempted)

    async def _dial(self) -> Link:
        async with asyncio.timeout(_ATTEMPT):
            return await self._dialer.dial(self.address, self._ears)

    def _attempted(self, task: asyncio.Task[Link]) -> None:
        self._attempts.discard(task)

        if task.cancelled():
            return

        if (error := task.exception()) is not None:
            self._fail(error)
        else:
            self._take(task.result())

    def _fail(self, error: BaseException) -> None:
        if not isinstance(error, InfrastructureError):
            msg = f"connect to {show(self.address)}: no answer within {_ATTEMPT:g} s"
            cause, error = error, ConnectionError(msg, outcome="not_applied")
            error.__cause__ = cause

        error.operation = "connect"
        self._error, self._failed = error, monotonic()
        self._failures += 1
        self._again = self._failed + self._pause()

    def _take(self, link: Link) -> None:
        """Use ``link``, unless the one that there is has found its voice again."""
        old = self.link

        if self._closed or link.error is not None:
            # The next attempt is after a pause, though this one did not fail.
            self._failed = monotonic()
            link.close()
            return

        if isinstance(old, Link) and not old.silence(monotonic()):
            link.close()
            return

        self.link, self._error, self._failures = link, None, 0
        self.made += 1

        for task in self._attempts:
            task.cancel()

        if isinstance(old, Link):
            old.fail(
                ConnectionAbortedError("it said nothing while the server answered another link")
            )
            # The server would have reported on it what changes of the keys that were read there.
            self._listener.lost()

    def _lost(self, link: Link) -> None:
        """Forget a link that broke; whoever calls next makes another."""
        if link is not self.link:
            return

        self.link = CLOSED
        now = monotonic()
        self._bridged_until = now + self._bridge
        self._failures = 0

        if now < self._begun + _SPACING:
            # A server that hangs up after each handshake is given a pause too.
            self._failed = now

        self._listener.lost()

    def _silent(self, link: Link) -> None:
        """Try whether the server answers another link; then this one is dead."""
        if link is not self.link:
            return

        self._listener.silent()
        now = monotonic()
        silence = link.silence(now)
        cut_off = is_cut_off(link.socket)
        patience = _DAMAGED if link.heard > now - silence else _FROZEN

        if silence < patience and not cut_off:
            return

        # A machine that acknowledges has heard the last attempt: another one tells nothing new.
        if now - self._begun >= _SPACING and (cut_off or not self._attempts):
            self._attempt()

    def leave(self) -> None:
        """Close, but wait for refusals: a server that hands its slots over holds requests back so long."""
        link = self.link

        if isinstance(link, Link) and link.waiting:
            self.link = CLOSED
            self.close()
            self._left = link
            link.leave(_HEARD_OUT)
            self._listener.lost()
        else:
            self.close()

    def close(self) -> None:
        """Let go of everything; a call that waits for the link gets an error."""
        self._closed = True
        self._bridged_until = 0.0

        for task in self._attempts:
            task.cancel()

        if isinstance(self.link, Link):
            link, self.link = self.link, CLOSED
            link.close()
            # As above: a server that is no primary any more reports nothing.
            self._listener.lost()

        if self._left is not None:
            self._left.close()

    def abandon(self) -> None:
        """Forget the link of a closed loop or a parent process, without touching that."""
        self._closed = True

        for link in (self.link, self._left):
            if isinstance(link, Link):
                link.abandon()
