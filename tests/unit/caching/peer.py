"""The other end of one link: it answers when it is told to, and can stop reading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import hiredis

from infrastructure.caching.redis._link import Link

__all__ = ["Ears", "Peer", "linked"]


class Peer(asyncio.Protocol):
    """Keeps what it hears: ``commands``, and in how many ``pieces`` they came."""

    def __init__(self) -> None:
        self.commands: list[list[bytes]] = []
        self.pieces = 0
        self.transport: asyncio.Transport
        self.is_closed = False
        self._answered = 0
        self._reader = hiredis.Reader()
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep the commands."""
        self.pieces += 1
        self._reader.feed(data)

        while (command := self._reader.gets()) is not False:
            self.commands.append(command)

        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.is_closed = True
        self._news.set()

    def answer(self, *replies: bytes) -> None:
        """Answer what was heard, in order; a question of the link's own as it should be."""
        rest = iter(replies)

        for command in self.commands[self._answered :]:
            own = command[0] == b"PING" and len(command) == 2
            self.say(b"$%d\r\n%s\r\n" % (len(command[1]), command[1]) if own else next(rest))

        self._answered = len(self.commands)

    def say(self, data: bytes) -> None:
        """Send bytes to the link."""
        self.transport.write(data)

    async def heard(self, count: int) -> list[list[bytes]]:
        """Return the commands once there are so many."""
        async with asyncio.timeout(5):
            while len(self.commands) < count:
                self._news.clear()
                await self._news.wait()

        return self.commands

    async def closed(self) -> None:
        """Return when the link is gone."""
        async with asyncio.timeout(5):
            while not self.is_closed:
                self._news.clear()
                await self._news.wait()


class Ears:
    """Keeps what a link says of itself."""

    def __init__(self) -> None:
        self.losses: list[Link] = []
        self.silences: list[Link] = []
        self.frames: list[list[Any]] = []
        self.news = asyncio.Event()

    def lost(self, link: Link) -> None:
        """Note that it broke."""
        self.losses.append(link)
        self.news.set()

    def silent(self, link: Link) -> None:
        """Note that it owes an answer."""
        self.silences.append(link)
        self.news.set()

    def push(self, frame: list[Any]) -> None:
        """Note what a server said by itself."""
        self.frames.append(frame)
        self.news.set()


@asynccontextmanager
async def linked(deadline: float = 5.0) -> AsyncIterator[tuple[Link, Peer, Ears]]:
    """Give an open link, its peer, and who hears it."""
    loop = asyncio.get_running_loop()
    peer, ears = Peer(), Ears()
    server = await loop.create_server(lambda: peer, "127.0.0.1", 0)
    link = Link("peer", deadline, lost=ears.lost, silent=ears.silent, push=ears.push)

    try:
        host, port = server.sockets[0].getsockname()
        await loop.create_connection(lambda: link, host, port)
        yield link, peer, ears
    finally:
        link.close()
        server.close()

        if peer.pieces:
            peer.transport.abort()

        await server.wait_closed()
