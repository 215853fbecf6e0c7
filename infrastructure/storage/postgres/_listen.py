"""``LISTEN``: one connection for all channels, opened anew for as long as somebody listens."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from copy import copy

from ..._core.deadline import Limit, expiry
from ..._core.names import quote_identifier
from ..._core.tasks import Tasks, logger
from ...interfaces.exceptions import ConnectionError, InfrastructureError
from ._requests import Requests
from ._wire import Wire
from .notifications import Notification, Notifications

__all__ = ["Listener", "ListeningConnection"]

_BACK_OFF = (0.05, 5.0)
"""Seconds between two attempts to connect: at first, and at most."""
_STEP = 10.0
"""Seconds that an attempt, or one command, may take."""
_QUIET = 15.0
"""Seconds after which it is asked whether the server is there still."""


class ListeningConnection(Requests):
    """A connection that hands on what other sessions notify."""

    heard: Callable[[str, str], None]

    def _take(self) -> None:
        super()._take()

        while self.is_open and (found := self.pgconn.notifies()) is not None:
            self.heard(found.relname.decode(), found.extra.decode(errors="replace"))


class Listener:
    """Listens on the channels that somebody reads; ``dial`` opens its connection."""

    def __init__(
        self,
        dial: Callable[[Callable[[Wire], None], float], Awaitable[ListeningConnection]],
    ) -> None:
        self._dial = dial
        self._readers: dict[str, set[Notifications]] = {}
        # What the server is asked to send now, and what it was before the connection was lost.
        self._heard: set[str] = set()
        self._lost: set[str] = set()
        self._joining: set[asyncio.Future[None]] = set()
        self._changed = asyncio.Event()
        self._connection: ListeningConnection | None = None
        self._running = False
        self._tasks = Tasks("storage")

    async def join(self, reader: Notifications) -> None:
        """Return when what is notified on the reader's channel reaches it."""
        self._readers.setdefault(reader.channel, set()).add(reader)

        if not self._running:
            self._running = True
            self._tasks.start(self._run(), "listen")

        try:
            async with Limit("listen", expires=expiry(_STEP)) as limit:
                limit.more = " before the server listened; look whether it answers"
                await self._until_heard(reader.channel)
        except BaseException:
            self.leave(reader)
            raise

    async def _until_heard(self, channel: str) -> None:
        self._changed.set()

        while channel not in self._heard:
            joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._joining.add(joined)

            try:
                await joined
            finally:
                self._joining.discard(joined)

    def leave(self, reader: Notifications) -> None:
        """Send nothing to ``reader`` any more."""
        readers = self._readers.get(reader.channel, set())
        readers.discard(reader)

        if not readers:
            self._readers.pop(reader.channel, None)
            self._lost.discard(reader.channel)
            self._changed.set()

    async def _run(self) -> None:
        """Keep a connection for as long as there is a reader."""
        delay = 0.0

        try:
            while self._readers:
                try:
                    await self._listen()
                except InfrastructureError as exc:
                    self._refuse(exc)
                    again = max(_BACK_OFF[0], delay * 2)
                    delay = 0.0 if self._heard else min(_BACK_OFF[1], again)
                    logger.debug("the listening connection is lost: %s", exc)

                self._lost |= self._heard & self._readers.keys()
                self._heard.clear()
                await self._rest(delay)
        finally:
            # At once: the task itself is seen to have ended only in the loop's next turn.
            self._running = False

    async def _rest(self, delay: float) -> None:
        """Wait before the next attempt, but not where somebody joins, who is in a hurry."""
        self._changed.clear()

        with suppress(builtins.TimeoutError):
            async with asyncio.timeout(delay):
                await self._changed.wait()

    async def _listen(self) -> None:
        connection = await self._dial(lambda _wire: self._changed.set(), time.monotonic() + _STEP)
        connection.heard = self._hear
        self._connection = connection

        asked = time.monotonic()

        try:
            while self._readers:
                self._changed.clear()
                await self._apply(connection)

                try:
                    # Whoever comes and goes says nothing of the server.
                    async with asyncio.timeout(max(0.0, asked + _QUIET - time.monotonic())):
                        await self._changed.wait()
                except builtins.TimeoutError:
                    await connection.simple("SELECT 1", time.monotonic() + _STEP, "listen")
                    asked = time.monotonic()
        finally:
            connection.close("nobody listens here any more")

    async def _apply(self, connection: ListeningConnection) -> None:
        """Let the server send what somebody reads, and nothing else."""
        for channel in self._heard - self._readers.keys():
            # First: who joins meanwhile has to wait for a new LISTEN.
            self._heard.discard(channel)
            await self._command(connection, "UNLISTEN", channel)

        for channel in self._readers.keys() - self._heard:
            await self._command(connection, "LISTEN", channel)
            self._heard.add(channel)

            if channel in self._lost:
                self._lost.discard(channel)
                self._give(channel, Notification(channel, "", missed=True))

        for joined in self._joining:
            if not joined.done():
                joined.set_result(None)

        if not connection.is_open:
            raise ConnectionError(f"listen: {connection.reason}", operation="listen")

    async def _command(self, connection: ListeningConnection, word: str, channel: str) -> None:
        text = f"{word} {quote_identifier(channel)}"
        await connection.simple(text, time.monotonic() + _STEP, "listen", harmless=True)

    def _hear(self, channel: str, payload: str) -> None:
        self._give(channel, Notification(channel, payload))

    def _give(self, channel: str, notification: Notification) -> None:
        for reader in tuple(self._readers.get(channel, ())):
            reader.put(notification)

    def _refuse(self, error: InfrastructureError) -> None:
        """Tell those who wait to be let in; who reads already waits for the next connection."""
        for joined in self._joining:
            if not joined.done():
                own = copy(error)
                own.operation = "listen"
                joined.set_exception(own)

    def close(self, reason: str) -> None:
        """End all readers."""
        self._tasks.stop()

        if self._connection is not None:
            self._connection.close(reason)

        error = ConnectionError(reason, outcome="not_applied", operation="listen")
        self._refuse(error)

        for reader in [reader for readers in self._readers.values() for reader in readers]:
            reader.fail(error)

        self._readers.clear()
