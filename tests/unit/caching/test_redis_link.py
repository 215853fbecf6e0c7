"""When a link writes: once a turn of the loop, and at once where requests come one at a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from infrastructure.caching.redis._link import Link


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, socket.socket]]:
    """Give a link and the other end of its socket, at which nothing answers by itself."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)

    def ignore(_: object) -> None:
        pass

    link = Link("test", 5.0, lost=ignore, silent=ignore, push=ignore)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)

    try:
        yield link, theirs
    finally:
        link.close()
        theirs.close()
        # One turn, in which asyncio closes the other end.
        await asyncio.sleep(0)


def arrived(theirs: socket.socket) -> int:
    """Return how many requests are there now; nobody waits for any."""
    try:
        return theirs.recv(65536).count(b"PING")
    except BlockingIOError:
        return 0


async def answer(theirs: socket.socket, futures: list[asyncio.Future[object]]) -> None:
    """Answer all of them."""
    theirs.sendall(b"+PONG\r\n" * len(futures))
    assert await asyncio.gather(*futures) == [b"PONG"] * len(futures)


async def test_what_comes_in_one_turn_leaves_together() -> None:
    """The first of many does not leave before the others."""
    async with linked() as (link, theirs):
        for _ in range(2):
            futures = [link.send(("PING",)) for _ in range(3)]
            assert arrived(theirs) == 0

            await asyncio.sleep(0)
            assert arrived(theirs) == 3
            await answer(theirs, futures)


async def test_one_at_a_time_leaves_at_once() -> None:
    """After one that came alone the next does not wait for others; those that come wait as ever."""
    async with linked() as (link, theirs):
        first = link.send(("PING",))
        assert arrived(theirs) == 0
        await asyncio.sleep(0)
        assert arrived(theirs) == 1
        await answer(theirs, [first])

        futures = [link.send(("PING",))]
        assert arrived(theirs) == 1
        futures += [link.send(("PING",)) for _ in range(2)]
        assert arrived(theirs) == 0
        await asyncio.sleep(0)
        assert arrived(theirs) == 2
        await answer(theirs, futures)


async def test_company_ends_the_haste() -> None:
    """Where another came in the same turn, the next first one waits for the others again."""
    async with linked() as (link, theirs):
        for requests in (1, 2):
            futures = [link.send(("PING",)) for _ in range(requests)]
            await asyncio.sleep(0)
            assert arrived(theirs) == requests
            await answer(theirs, futures)

        last = link.send(("PING",))
        assert arrived(theirs) == 0
        await asyncio.sleep(0)
        await answer(theirs, [last])
