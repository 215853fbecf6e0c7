"""When a link writes: at once where nothing is under way, else once a turn of the loop, or when they are many."""

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
    """The first at once where nothing is under way, the others of the turn in one write."""
    async with linked() as (link, theirs):
        for _ in range(2):
            futures = [link.send(("PING",))]
            assert arrived(theirs) == 1
            futures += [link.send(("PING",)) for _ in range(3)]
            assert arrived(theirs) == 0

            await asyncio.sleep(0)
            assert arrived(theirs) == 3
            await answer(theirs, futures)


async def test_with_company_the_first_waits_too() -> None:
    """While answers are awaited the requests of a turn leave at its end."""
    async with linked() as (link, theirs):
        futures = [link.send(("PING",))]
        assert arrived(theirs) == 1
        await asyncio.sleep(0)
        futures.append(link.send(("PING",)))
        assert arrived(theirs) == 0
        await asyncio.sleep(0)
        assert arrived(theirs) == 1
        await answer(theirs, futures)


async def test_many_do_not_wait_for_the_end_of_the_turn() -> None:
    """The server begins with thirty-two of them while more are made."""
    async with linked() as (link, theirs):
        futures = [link.send(("PING",)) for _ in range(1 + 2 * 32 + 5)]
        assert arrived(theirs) == 1 + 2 * 32
        await asyncio.sleep(0)
        assert arrived(theirs) == 5
        await answer(theirs, futures)
